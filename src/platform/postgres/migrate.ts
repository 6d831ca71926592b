import { readdirSync } from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import { FileMigrationProvider, type Migration, Migrator, NO_MIGRATIONS } from 'kysely/migration'
import { DatabaseError } from '../errors.ts'
import type { Database } from './database.ts'
import { databaseCodeOf } from './database-error.ts'

export interface MigrationStep {
  readonly name: string
  readonly direction: 'Up' | 'Down'
}

export interface MigrationState {
  readonly name: string
  /** Time at which it was applied; null until then. */
  readonly applied_at: Date | null
}

const FOLDER = path.resolve(import.meta.dirname, '../../../migrations')

/** Names of all migrations, in order: those of their files. They are frozen, because databases record them. */
export const MIGRATIONS: readonly string[] = readdirSync(FOLDER)
  .flatMap((file) => /^(\d{4}-.+)\.[jt]s$/.exec(file)?.[1] ?? [])
  .toSorted()

const PROVIDER = new FileMigrationProvider({ fs, path, migrationFolder: FOLDER })

/** All migrations, in order. */
export async function loadMigrations(): Promise<Migration[]> {
  const migrations = await PROVIDER.getMigrations()
  return MIGRATIONS.map((name) => migrations[name] as Migration)
}

/**
 * Applies the missing migrations, in one transaction under Kysely's lock: of two processes, the second waits and finds nothing
 * to do. Returns the steps taken. Throws a DatabaseError when the database is newer, and the database's error when a step fails.
 */
export async function migrateUp(db: Kysely<Database>): Promise<MigrationStep[]> {
  if (waiting(await readKnown(db)).length === 0) return []
  return stepsOf(await createMigrator(db).migrateToLatest())
}

/** Reverts the last migration, or all of them. The caller makes sure that the history can be destroyed. */
export async function migrateDown(db: Kysely<Database>, all: boolean): Promise<MigrationStep[]> {
  const migrator = createMigrator(db)
  return stepsOf(all ? await migrator.migrateTo(NO_MIGRATIONS) : await migrator.migrateDown())
}

/** Every migration of this version, in order. None is applied in a database that was never migrated. Writes nothing. */
export async function migrationStates(db: Kysely<Database>): Promise<MigrationState[]> {
  return statesFrom(await readApplied(db))
}

/** Throws a DatabaseError that states the remedy unless the database has exactly the migrations of this version. */
export async function assertMigrated(db: Kysely<Database>): Promise<void> {
  const missing = waiting(await readKnown(db))
  if (missing.length === 0) return
  throw new DatabaseError(
    `The database lacks ${missing.length} of ${MIGRATIONS.length} migrations.`,
    'Run: identifai-sync migrate',
  )
}

/** The states; throws a DatabaseError when the database has migrations that this version lacks. */
async function readKnown(db: Kysely<Database>): Promise<MigrationState[]> {
  const applied = await readApplied(db)
  const unknown = [...applied.keys()].filter((name) => !MIGRATIONS.includes(name))
  if (unknown.length === 0) return statesFrom(applied)
  throw new DatabaseError(
    `The database was migrated by a newer identifai-sync (${unknown.join(', ')}).`,
    'Use that version.',
  )
}

/**
 * Names of the applied migrations with their times, by one SELECT. Kysely's own list reads the catalog of the whole database,
 * which is slow beside many tables and fails while other sessions drop some.
 */
async function readApplied(db: Kysely<Database>): Promise<ReadonlyMap<string, Date>> {
  const rows = await readIfExists(
    db,
    sql<{ name: string; timestamp: string }>`select name, timestamp from identifai.schema_migrations`,
  )
  return new Map(rows.map(({ name, timestamp }) => [name, new Date(timestamp)]))
}

function statesFrom(applied: ReadonlyMap<string, Date>): MigrationState[] {
  return MIGRATIONS.map((name) => ({ name, applied_at: applied.get(name) ?? null }))
}

function waiting(states: readonly MigrationState[]): MigrationState[] {
  return states.filter((state) => state.applied_at === null)
}

function createMigrator(db: Kysely<Database>): Migrator {
  return new Migrator({
    db,
    provider: PROVIDER,
    migrationTableSchema: 'identifai',
    migrationTableName: 'schema_migrations',
    migrationLockTableName: 'schema_migrations_lock',
  })
}

function stepsOf({ error, results }: Awaited<ReturnType<Migrator['migrateUp']>>): MigrationStep[] {
  if (error !== undefined) throw error
  return (results ?? []).map((result) => ({ name: result.migrationName, direction: result.direction }))
}

/** Number of the records that the API does not return again; a table that does not exist holds none. */
export async function countHistory(db: Kysely<Database>): Promise<number> {
  let records = 0
  for (const table of HISTORY) {
    const rows = await readIfExists(
      db,
      sql<{ count: number }>`select count(*) from identifai.${sql.ref(table)}`,
    )
    records += rows[0]?.count ?? 0
  }
  return records
}

const HISTORY = ['classification_revisions', 'quarantined_payloads', 'override_notes', 'actions'] as const

/** The rows of a query; none when its table, or the schema, does not exist: the database was never migrated so far. */
async function readIfExists<R>(db: Kysely<Database>, query: RawBuilder<R>): Promise<R[]> {
  try {
    return (await query.execute(db)).rows
  } catch (error) {
    if (databaseCodeOf(error) === UNDEFINED_TABLE) return []
    throw error
  }
}

/** SQLSTATE of a missing table or schema. */
const UNDEFINED_TABLE = '42P01'
