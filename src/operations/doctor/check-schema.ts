import { type Kysely, sql } from 'kysely'
import { JOB_PRIVILEGES } from '../roles/job-privileges.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { asDatabaseError } from '../../platform/postgres/database-error.ts'
import { assertMigrated, migrationStates } from '../../platform/postgres/migrate.ts'
import { EXIT_CODE } from '../../platform/errors.ts'
import { type Finding, failed, ok, skipped } from './finding.ts'

/** Whether the database has the tables of this version. */
export async function checkMigrations(db: Kysely<Database>): Promise<Finding> {
  try {
    await assertMigrated(db)
    return ok('migrations', `All ${(await migrationStates(db)).length} are applied.`)
  } catch (error) {
    const known = asDatabaseError(error)
    if (!known) throw error
    const remedy = 'After an upgrade, migrate with the new version.'
    return failed('migrations', known.message, remedy, EXIT_CODE.database)
  }
}

/** Whether the role may do what a pass does to the tables that there are. */
export async function checkPrivileges(db: Kysely<Database>): Promise<Finding> {
  const wanted = Object.entries(JOB_PRIVILEGES).flatMap(([table, privileges]) =>
    privileges.map((privilege) => ({ table, privilege })),
  )
  const { rows } = await sql<{ table: string; privilege: string; role: string }>`
    select wanted.table, wanted.privilege, quote_ident(current_user) as role
    from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as wanted ("table" text, privilege text)
    join pg_catalog.pg_namespace as s on s.nspname = 'identifai'
    -- By its number: a name would need the schema, which may be what is lacking.
    join pg_catalog.pg_class as c on c.relnamespace = s.oid and c.relname = wanted.table
    where not has_schema_privilege(s.oid, 'USAGE') or not has_table_privilege(c.oid, wanted.privilege)
    order by 1, 2`.execute(db)
  if (rows.length === 0) return ok('privileges', 'The role may do all that a pass does.')
  const lacking = [...Map.groupBy(rows, ({ table }) => table)].map(([table, of]) => ({
    table,
    privileges: of.map(({ privilege }) => privilege).join(', '),
  }))
  const found = lacking.map(({ table, privileges }) => `${privileges} on ${table}`).join('; ')
  const role = rows[0]?.role
  const grants = lacking.map(
    ({ table, privileges }) => `GRANT ${privileges} ON identifai.${table} TO ${role};`,
  )
  const remedy = `If ${role} is the role that runs passes, as the owner of the tables: GRANT USAGE ON SCHEMA identifai TO ${role}; ${grants.join(' ')} Else run doctor as that role.`
  return failed('privileges', `The role lacks ${found}.`, remedy, EXIT_CODE.database)
}

const NUMBERED = [
  ['identifiers', 'id'],
  ['quarantined_payloads', 'quarantine_id'],
  ['override_notes', 'note_id'],
] as const

/** Whether new rows get new numbers: after some ways of copying a database, its sequences lag behind its rows. */
export async function checkSequences(db: Kysely<Database>): Promise<Finding> {
  const { rows: readable } = await sql<{ may: boolean }>`
    select has_sequence_privilege(pg_get_serial_sequence('identifai.identifiers', 'id'), 'SELECT') as may`.execute(
    db,
  )
  if (!readable[0]?.may) {
    return skipped(
      'sequences',
      'The role may not look at them: after a restore, run doctor as the owner of the tables.',
    )
  }
  const behind = []
  for (const [table, column] of NUMBERED) {
    const { rows } = await sql<{ sequence: string; last: number | null; highest: number | null }>`
      select pg_get_serial_sequence(${`identifai.${table}`}, ${column}) as sequence,
        pg_sequence_last_value(pg_get_serial_sequence(${`identifai.${table}`}, ${column})::regclass) as last,
        (select max(${sql.ref(column)}) from ${sql.table(`identifai.${table}`)}) as highest`.execute(db)
    const { sequence = '', last = null, highest = null } = rows[0] ?? {}
    if (highest !== null && (last ?? 0) < highest) behind.push({ table, column, sequence })
  }
  if (behind.length === 0) return ok('sequences', 'New rows get new numbers.')
  const statements = behind.map(
    ({ table, column, sequence }) =>
      `SELECT setval('${sequence}', (SELECT max(${column}) FROM identifai.${table}));`,
  )
  return failed(
    'sequences',
    `Numbers of ${behind.map(({ table }) => table).join(', ')} are given out again: every new row would be refused.`,
    `As the owner of the tables: ${statements.join(' ')}`,
    EXIT_CODE.database,
  )
}
