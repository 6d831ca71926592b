import { type Kysely, sql } from 'kysely'

/**
 * Puts a comment on a table and on every column named; migrations of all ages call it, so it only ever
 * issues `COMMENT ON`. COMMENT takes no bind parameters, hence the literals.
 */
export async function commentOn(
  db: Kysely<unknown>,
  table: string,
  comment: string,
  columns: Readonly<Record<string, string>>,
): Promise<void> {
  await sql`comment on table ${sql.table(table)} is ${sql.lit(comment)}`.execute(db)
  for (const [column, text] of Object.entries(columns)) {
    await sql`comment on column ${sql.ref(`${table}.${column}`)} is ${sql.lit(text)}`.execute(db)
  }
}
