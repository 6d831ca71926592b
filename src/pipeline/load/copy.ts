import { finished } from 'node:stream/promises'
import { Kysely, type Transaction } from 'kysely'
import type { PoolClient } from 'pg'
import type { ConnectionPool } from '../../platform/postgres/connect.ts'
import { from as copyFrom } from 'pg-copy-streams'
import { OwnSettingsDialect } from '../../platform/postgres/own-settings.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { columnsOf, type Table } from '../../platform/postgres/table.ts'
import { type Cell, cellText, textRows } from './text-rows.ts'

/** One transaction, for Kysely and, for COPY, as the client that it runs on. */
export interface CopyTransaction {
  readonly trx: Transaction<Database>
  readonly client: PoolClient
  /** Rows are written by INSERT, in place of COPY. */
  readonly byInsert: boolean
}

/**
 * Runs `work` in one transaction that Kysely statements and COPY share. Kysely does not expose its client, so it gets a
 * pool that has only this one.
 */
export async function withTransaction<T>(
  pool: ConnectionPool,
  work: (transaction: CopyTransaction) => Promise<T>,
  { byInsert = false } = {},
): Promise<T> {
  const client = await pool.connect()
  let failure: Error | undefined
  try {
    return await kyselyOn(client, pool.settings)
      .transaction()
      .execute((trx) => work({ trx, client, byInsert }))
  } catch (error) {
    failure = error as Error
    throw error
  } finally {
    // After a failure the client may be in any state, so the pool replaces it.
    client.release(failure !== undefined)
  }
}

/**
 * Appends rows, within the transaction. COPY's binary format would save the conversion of numbers on both sides, which is 3 % of a
 * first load.
 */
export async function appendRows(
  { client, byInsert }: CopyTransaction,
  table: Table,
  rows: readonly object[],
): Promise<void> {
  if (rows.length === 0) return
  if (byInsert) return insertRows(client, table, rows)
  const columns = columnsOf(table)
  const stream = client.query(copyFrom(`copy identifai.${table.name} (${columns.join(', ')}) from stdin`))
  stream.end(textRows(columns, rows))
  await finished(stream)
}

/** Parameters of one statement; the protocol counts them in 16 bits. */
const MAX_PARAMETERS = 30_000

async function insertRows(client: PoolClient, table: Table, rows: readonly object[]): Promise<void> {
  const columns = columnsOf(table)
  const atOnce = Math.floor(MAX_PARAMETERS / columns.length)
  for (let from = 0; from < rows.length; from += atOnce) {
    const page = rows.slice(from, from + atOnce) as readonly Readonly<Record<string, Cell>>[]
    const cells = page.flatMap((row) => columns.map((column) => cellText(row[column] as Cell)))
    const places = page.map((_row, index) => placesFrom(index * columns.length, columns.length))
    await client.query(
      `insert into identifai.${table.name} (${columns.join(', ')}) values ${places.join(', ')}`,
      cells,
    )
  }
}

/** The parameters of one row: `($1, $2)`. */
function placesFrom(before: number, count: number): string {
  return `(${Array.from({ length: count }, (_, index) => `$${before + index + 1}`).join(', ')})`
}

function kyselyOn(client: PoolClient, settings: string): Kysely<Database> {
  const borrowed = { query: client.query.bind(client), release: () => {} } as unknown as PoolClient
  const pool = { connect: async () => borrowed, end: async () => {}, options: {} }
  return new Kysely<Database>({ dialect: new OwnSettingsDialect({ pool }, settings) })
}
