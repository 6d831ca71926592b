import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { UsageError } from '../../platform/errors.ts'

/**
 * The role of this name as SQL.
 *
 * @throws UsageError that says how to make one when there is none.
 */
export async function findRole(db: Kysely<Database>, role: string) {
  const { rows } = await sql`select from pg_catalog.pg_roles where rolname = ${role}`.execute(db)
  if (rows.length === 1) return sql.id(role)
  throw new UsageError(
    `There is no role ${role} in this database server. Make one first: CREATE ROLE ${role} LOGIN PASSWORD '...'`,
  )
}
