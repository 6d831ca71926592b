import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'

/** Reads every row of every table in the product's schemas as text. */
export async function dumpTables(db: Kysely<Database>): Promise<string> {
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname like 'identifai%' order by 1`.execute(db)
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await sql.raw<{ text: string }>(`select t::text as text from ${name} t`).execute(db)
      return [name, ...rows.map(({ text }) => text).toSorted()].join('\n')
    }),
  )
  return texts.join('\n')
}
