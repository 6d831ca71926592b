import { type Compilable, type Kysely, sql } from 'kysely'
import type { Database } from './database.ts'

/** Rows at once in memory. */
const AT_ONCE = 2000

/**
 * The rows of a query, some at once in memory, within a transaction. The query is planned, and its rows are sorted, once:
 * with a page after another, PostgreSQL may sort all that is left for each, where it has no statistics of it yet. Unlike
 * Kysely's `stream`, which has the connection to itself until it ends, two may be read side by side.
 */
export async function* readByCursor<Row>(trx: Kysely<Database>, query: Compilable<Row>): AsyncGenerator<Row> {
  const compiled = query.compile()
  const cursor = `rows_${++opened}`
  // All rows will be read; the default plans for a tenth.
  await sql`set local cursor_tuple_fraction = 1`.execute(trx)
  await trx.executeQuery({ ...compiled, sql: `declare ${cursor} no scroll cursor for ${compiled.sql}` })
  for (;;) {
    const { rows } = await sql<Row>`fetch ${sql.lit(AT_ONCE)} from ${sql.id(cursor)}`.execute(trx)
    yield* rows
    if (rows.length < AT_ONCE) break
  }
  // Who stops before the end leaves it to the end of the transaction.
  await sql`close ${sql.id(cursor)}`.execute(trx)
}

let opened = 0
