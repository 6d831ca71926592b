import { type Kysely, sql } from 'kysely'
import type { Database } from './database.ts'

/** Returns true on a server with Citus. */
export async function hasCitus(db: Kysely<Database>): Promise<boolean> {
  const { rows } = await sql`select from pg_catalog.pg_extension where extname = 'citus'`.execute(db)
  return rows.length > 0
}

/** The tables that Citus has distributed; none without it. */
export async function distributedTables(db: Kysely<Database>): Promise<string[]> {
  if (!(await hasCitus(db))) return []
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_catalog.pg_dist_partition as p
    join pg_catalog.pg_class as c on c.oid = p.logicalrelid
    where c.relnamespace = 'identifai'::regnamespace`.execute(db)
  return rows.map(({ name }) => name)
}
