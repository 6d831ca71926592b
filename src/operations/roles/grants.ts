import { type Kysely, sql } from 'kysely'
import { DATA_TABLES } from '../../platform/postgres/data-tables.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { findRole } from './find-role.ts'

/**
 * Lets a role read the reporting views, those of later migrations too, and the data tables if wanted; takes the data tables
 * away if not. Granted again, nothing changes.
 *
 * @throws UsageError when there is no such role.
 */
export async function grantReader(
  db: Kysely<Database>,
  role: string,
  options: { readonly withTables: boolean },
): Promise<void> {
  const reader = await findRole(db, role)
  const tables = sql.join(DATA_TABLES.map((table) => sql.table(`identifai.${table}`)))
  await db.transaction().execute(async (trx) => {
    await sql`grant usage on schema identifai_reporting to ${reader}`.execute(trx)
    await sql`grant select on all tables in schema identifai_reporting to ${reader}`.execute(trx)
    // Views that this role, which migrates, makes later.
    await sql`alter default privileges in schema identifai_reporting grant select on tables to ${reader}`.execute(
      trx,
    )
    if (options.withTables) {
      await sql`grant usage on schema identifai to ${reader}`.execute(trx)
      await sql`grant select on ${tables} to ${reader}`.execute(trx)
    } else {
      await sql`revoke select on ${tables} from ${reader}`.execute(trx)
      if (!(await mayEnqueue(trx, role)))
        await sql`revoke usage on schema identifai from ${reader}`.execute(trx)
    }
  })
}

/** Who may enqueue, too, needs the schema for that. */
async function mayEnqueue(db: Kysely<Database>, role: string): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`
    select has_any_column_privilege(${role}, 'identifai.identifiers', 'INSERT') as may`.execute(db)
  return rows[0]?.may === true
}
