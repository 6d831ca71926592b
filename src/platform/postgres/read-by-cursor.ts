import { type Compilable, type Kysely, sql } from 'kysely'
import type { Database } from './database.ts'

/** Rows that are in memory together, unless they are large. */
const ROWS = 2000

/**
 * Reads the rows of a query through a cursor, within a transaction. The query is planned and its rows are sorted once. With
 * pages, PostgreSQL may sort all remaining rows for each page of a table without statistics. Unlike Kysely's `stream`, which
 * occupies the connection until it ends, two cursors can be read side by side.
 */
export async function* readByCursor<Row>(
  trx: Kysely<Database>,
  query: Compilable<Row>,
  size = ROWS,
): AsyncGenerator<Row> {
  for await (const page of pagesByCursor(trx, query, size)) yield* page
}

/** The same in pages, which costs less where there may be millions of rows. */
export async function* pagesByCursor<Row>(
  trx: Kysely<Database>,
  query: Compilable<Row>,
  size = ROWS,
): AsyncGenerator<Row[]> {
  const compiled = query.compile()
  const cursor = `rows_${++opened}`
  // All rows are read; the default plans for a tenth of them.
  await sql`set local cursor_tuple_fraction = 1`.execute(trx)
  await trx.executeQuery({ ...compiled, sql: `declare ${cursor} no scroll cursor for ${compiled.sql}` })
  const fetch = () => sql<Row>`fetch ${sql.lit(size)} from ${sql.id(cursor)}`.execute(trx)
  let next: ReturnType<typeof fetch> | undefined = fetch()
  while (next !== undefined) {
    const { rows }: Awaited<ReturnType<typeof fetch>> = await next
    // The server reads the next page while this one is used.
    next = rows.length === size ? fetch() : undefined
    // A reader that stops here does not need the next page, so that its failure is no error.
    next?.catch(() => {})
    if (rows.length > 0) yield rows
  }
  // If the reader stops earlier, the end of the transaction closes the cursor.
  await sql`close ${sql.id(cursor)}`.execute(trx)
}

let opened = 0
