import { type Kysely, sql } from 'kysely'
import { Migrator, NO_MIGRATIONS } from 'kysely/migration'
import { migrations } from '../../../migrations/index.ts'
import { DatabaseError } from '../errors.ts'
import type { Database } from './database.ts'

export interface MigrationStep {
  readonly name: string
  readonly direction: 'Up' | 'Down'
}

export interface MigrationState {
  readonly name: string
  /** When it was applied; null while it waits. */
  readonly applied_at: Date | null
}

/**
 * Applies what is missing, in one transaction under Kysely's lock: started twice at once, the second waits and
 * finds nothing to do. Returns the steps taken; throws what the database said when one fails.
 */
export async function migrateUp(db: Kysely<Database>): Promise<MigrationStep[]> {
  await refuseNewer(db)
  return stepsOf(await createMigrator(db).migrateToLatest())
}

/** Takes back the last migration, or every one; the caller has made sure that history may go. */
export async function migrateDown(db: Kysely<Database>, all: boolean): Promise<MigrationStep[]> {
  const migrator = createMigrator(db)
  return stepsOf(all ? await migrator.migrateTo(NO_MIGRATIONS) : await migrator.migrateDown())
}

/** Every migration this version knows, in order; a database never migrated has none applied. Writes nothing. */
export async function migrationStates(db: Kysely<Database>): Promise<MigrationState[]> {
  const states = await createMigrator(db).getMigrations()
  return states.map((state) => ({ name: state.name, applied_at: state.executedAt ?? null }))
}

/** Throws a DatabaseError that says what to do unless the database has every migration of this version. */
export async function assertMigrated(db: Kysely<Database>): Promise<void> {
  await refuseNewer(db)
  const waiting = (await migrationStates(db)).filter((state) => state.applied_at === null)
  if (waiting.length === 0) return
  throw new DatabaseError(
    `The database lacks ${waiting.length} of ${Object.keys(migrations).length} migrations. Run: identifai-sync migrate`,
  )
}

/** Throws a DatabaseError when the database has migrations that this version does not know. */
async function refuseNewer(db: Kysely<Database>): Promise<void> {
  const { rows: found } = await sql<{ exists: boolean }>`
    select to_regclass('identifai.schema_migrations') is not null as exists`.execute(db)
  if (!found[0]?.exists) return
  const { rows } = await sql<{ name: string }>`select name from identifai.schema_migrations`.execute(db)
  const unknown = rows.filter(({ name }) => !Object.hasOwn(migrations, name))
  if (unknown.length === 0) return
  throw new DatabaseError(
    `The database was migrated by a newer identifai-sync (${unknown.map(({ name }) => name).join(', ')}). Use that one.`,
  )
}

function createMigrator(db: Kysely<Database>): Migrator {
  return new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableSchema: 'identifai',
    migrationTableName: 'schema_migrations',
    migrationLockTableName: 'schema_migrations_lock',
  })
}

function stepsOf({ error, results }: Awaited<ReturnType<Migrator['migrateUp']>>): MigrationStep[] {
  if (error !== undefined) throw error
  return (results ?? []).map((result) => ({ name: result.migrationName, direction: result.direction }))
}
