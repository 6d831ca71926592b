import { type Kysely, sql } from 'kysely'
import { missingTriggers } from '../distribution/distribute.ts'
import { JOB, joinByObject } from '../roles/privileges.ts'
import { readEffective, readOwnership } from '../roles/read-privileges.ts'
import { distributedTables } from '../../platform/postgres/citus.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { findUnprotectedHistory } from '../../platform/postgres/unprotected-history.ts'
import { asDatabaseError } from '../../platform/postgres/database-error.ts'
import { assertMigrated, MIGRATIONS } from '../../platform/postgres/migrate.ts'
import { SCHEMAS } from '../../platform/postgres/schemas.ts'
import { EXIT_CODE } from '../../platform/errors.ts'
import { failed, ok, type Result, skipped, warning } from './finding.ts'

/** Checks that the database has the tables of this version. */
export async function checkMigrations(db: Kysely<Database>): Promise<Result> {
  try {
    await assertMigrated(db)
    return ok(`All ${MIGRATIONS.length} migrations are applied.`)
  } catch (error) {
    const known = asDatabaseError(error)
    if (!known) throw error
    return failed(known.problem, known.remedy, known.exitCode)
  }
}

/** Checks that the role has the privileges of a run on the tables that exist, and may create temporary tables. */
export async function checkPrivileges(db: Kysely<Database>): Promise<Result[]> {
  const ofTables = await checkTablePrivileges(db)
  return ofTables.status === 'failed' ? [ofTables] : [ofTables, ...(await checkTemporary(db))]
}

async function checkTablePrivileges(db: Kysely<Database>): Promise<Result> {
  const tables = await readTables(db)
  if (tables.size === 0) return skipped('The tables do not exist yet, so there are no privileges to check.')
  const { current: role, owner } = await readOwnership(db)
  const effective = await readEffective(db, role)
  const lacking = JOB.filter((privilege) => {
    const [, table = ''] = privilege.split(' ON ')
    return tables.has(table) && !effective.includes(privilege)
  })
  if (lacking.length === 0) return ok('The role has all privileges that a run needs.')
  return failed(
    `The role ${role} lacks ${joinByObject(lacking).join('; ')}.`,
    `Run doctor as the role of the job. If ${role} is this role, run as the owner of the tables, ${owner}: identifai-sync grant-job ${role}. If ${role} should own them, let a superuser execute deploy/change-owner.sql.`,
    EXIT_CODE.database,
  )
}

/** The tables and views that exist, also those that the role cannot use. */
async function readTables(db: Kysely<Database>): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`
    select format('%I.%I', s.nspname, c.relname) as name
    from pg_class as c join pg_namespace as s on s.oid = c.relnamespace
    where s.nspname in ${SCHEMAS}`.execute(db)
  return new Set(rows.map(({ name }) => name))
}

/** The commands that read a list need temporary tables, which PostgreSQL allows by default. */
async function checkTemporary(db: Kysely<Database>): Promise<Result[]> {
  const { rows } = await sql<{ may: boolean; role: string; database: string }>`
    select has_database_privilege(current_database(), 'TEMPORARY') as may, quote_ident(current_user) as role,
      quote_ident(current_database()) as database`.execute(db)
  const { may = true, role = '', database = '' } = rows[0] ?? {}
  if (may) return []
  return [
    warning(
      `The role ${role} may not create temporary tables, which enqueue, requeue, retire and reconcile need.`,
      `Run as the owner of the database: GRANT TEMPORARY ON DATABASE ${database} TO ${role};`,
    ),
  ]
}

/** Checks that history is append-only: by triggers, or where Citus refuses these, by privileges on every node. */
export async function checkHistory(db: Kysely<Database>): Promise<Result> {
  const isDistributed = (await distributedTables(db)).length > 0
  const unprotected = await findUnprotectedHistory(db)
  if (unprotected.length > 0) {
    return failed(
      `History can be changed: ${unprotected.map(({ node, table, problem }) => `on ${node}, the table ${table} ${problem}`).join('; ')}.`,
      'Revoke that on this node, as the owner of the table: REVOKE <privilege> ON identifai.<table> FROM <role>. Then run identifai-sync report verify.',
      EXIT_CODE.database,
    )
  }
  if (!isDistributed && (await missingTriggers(db)).length > 0) {
    return failed(
      'History can be changed, because triggers are missing that the migrations create.',
      'If the database was restored from a dump of a cluster, run as the owner of the tables: identifai-sync undistribute. Then run identifai-sync report verify.',
      EXIT_CODE.database,
    )
  }
  return ok(`${isDistributed ? 'Privileges' : 'Triggers'} keep history append-only.`)
}

/** Checks that no sequence lags behind its rows, which happens after some ways to copy a database. */
export async function checkSequences(db: Kysely<Database>): Promise<Result> {
  const { rows: readable } = await sql<{ may: boolean }>`
    select has_sequence_privilege(pg_get_serial_sequence('identifai.identifiers', 'id'), 'SELECT') as may`.execute(
    db,
  )
  if (!readable[0]?.may) {
    return skipped(
      'The role may not read the sequences. After a restore, run doctor as the owner of the tables.',
    )
  }
  const behind = []
  for (const { table, column, sequence } of await readSequences(db)) {
    const { rows } = await sql`
      select where coalesce(pg_sequence_last_value(${sequence}::regclass), 0)
        < (select max(${sql.ref(column)}) from ${sql.table(`identifai.${table}`)})`.execute(db)
    if (rows.length > 0) behind.push({ table, column, sequence })
  }
  if (behind.length === 0) return ok('The sequences are ahead of their rows.')
  const tables = behind.map(({ table }) => table).join(', ')
  const statements = behind
    .map(
      ({ table, column, sequence }) =>
        `SELECT setval('${sequence}', (SELECT max(${column}) FROM identifai.${table}));`,
    )
    .join(' ')
  return failed(
    `The sequences of ${tables} are behind their rows, so every new row would be refused.`,
    `Run as the owner of the tables: ${statements}`,
    EXIT_CODE.database,
  )
}

/** The columns whose values come from a sequence. */
async function readSequences(db: Kysely<Database>) {
  const { rows } = await sql<Readonly<Record<'table' | 'column' | 'sequence', string>>>`
    select c.relname as table, a.attname as column,
      pg_get_serial_sequence(format('identifai.%I', c.relname), a.attname) as sequence
    from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_namespace as s on s.oid = c.relnamespace
    where s.nspname = 'identifai' and c.relkind = 'r' and a.attidentity <> ''
    order by c.relname`.execute(db)
  return rows
}
