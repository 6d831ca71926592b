import { type Kysely, sql } from 'kysely'
import { UsageError } from '../../platform/errors.ts'
import { DATA_TABLES } from '../../media/registry.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { databaseCodeOf, INSUFFICIENT_PRIVILEGE } from '../../platform/postgres/database-error.ts'

/** The settings of a reader's queries, which make the views faster. */
export const READER_SETTINGS = [
  // PostgreSQL compiles a query that it expects to be expensive. A view has many expressions, so that takes longer than the query.
  'jit = off',
  // The rows of a time range are adjacent in all tables, so that reading them by an index is not random.
  'random_page_cost = 1.1',
]

/** The result of a grant to a reader. */
export interface ReaderGrant {
  /** The statements for the settings of the role that the current role may not execute; empty where it may. */
  readonly statementsForAdministrator: readonly string[]
}

/**
 * Lets a role read the reporting views, including those of later migrations, and with `withTables` the data tables.
 * Without it, revokes the data tables. Changes settings of the role in this database, so that the views are fast. A second
 * call changes nothing.
 *
 * @throws UsageError when the role does not exist.
 */
export async function grantReader(
  db: Kysely<Database>,
  role: string,
  options: { readonly withTables: boolean },
): Promise<ReaderGrant> {
  const reader = await findRole(db, role)
  const tables = sql.join(DATA_TABLES.map(({ name }) => sql.table(`identifai.${name}`)))
  await db.transaction().execute(async (trx) => {
    await sql`grant usage on schema identifai_reporting to ${reader}`.execute(trx)
    await sql`grant select on all tables in schema identifai_reporting to ${reader}`.execute(trx)
    // Covers the views that the current role, which migrates, creates later.
    await sql`alter default privileges in schema identifai_reporting grant select on tables to ${reader}`.execute(
      trx,
    )
    if (options.withTables) {
      await sql`grant usage on schema identifai to ${reader}`.execute(trx)
      await sql`grant select on ${tables} to ${reader}`.execute(trx)
    } else {
      await sql`revoke select on ${tables} from ${reader}`.execute(trx)
      // An enqueuer needs the schema, too.
      if (!(await mayEnqueue(trx, role)))
        await sql`revoke usage on schema identifai from ${reader}`.execute(trx)
    }
  })
  return { statementsForAdministrator: await setReaderSettings(db, role) }
}

/** Returns the statements where only an administrator may execute them. */
async function setReaderSettings(db: Kysely<Database>, role: string): Promise<readonly string[]> {
  const { rows } = await sql<{ statement: string }>`
    select format('ALTER ROLE %I IN DATABASE %I SET ', ${role}::text, current_database()) || setting as statement
    from unnest(${READER_SETTINGS}::text[]) as setting`.execute(db)
  const statements = rows.map(({ statement }) => statement)
  try {
    for (const statement of statements) await sql.raw(statement).execute(db)
    return []
  } catch (error) {
    if (databaseCodeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error
    return statements
  }
}

async function mayEnqueue(db: Kysely<Database>, role: string): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`
    select has_any_column_privilege(${role}, 'identifai.identifiers', 'INSERT') as may`.execute(db)
  return rows[0]?.may === true
}

/** The columns of a tracked identifier that an enqueuer may set. */
const ENQUEUER_COLUMNS = ['media', 'identifier', 'submitted_at', 'source'] as const

/**
 * Lets a role enqueue identifiers and request refreshes, and nothing else: it cannot read the rows that it inserted. A
 * second call changes nothing.
 *
 * @throws UsageError when the role does not exist.
 */
export async function grantEnqueuer(db: Kysely<Database>, role: string): Promise<void> {
  const enqueuer = await findRole(db, role)
  const columns = sql.join(ENQUEUER_COLUMNS.map((column) => sql.id(column)))
  await db.transaction().execute(async (trx) => {
    await sql`grant usage on schema identifai to ${enqueuer}`.execute(trx)
    await sql`grant insert (${columns}) on identifai.identifiers to ${enqueuer}`.execute(trx)
    await sql`grant execute on function identifai.request_refresh(text, text) to ${enqueuer}`.execute(trx)
  })
}

/** Returns the name of a role as SQL. */
async function findRole(db: Kysely<Database>, role: string) {
  const { rows } = await sql`select from pg_catalog.pg_roles where rolname = ${role}`.execute(db)
  if (rows.length === 1) return sql.id(role)
  throw new UsageError(
    `The database server has no role ${role}.`,
    `Create it first: CREATE ROLE ${role} LOGIN PASSWORD '...'`,
  )
}
