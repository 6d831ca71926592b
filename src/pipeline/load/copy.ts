import { finished } from 'node:stream/promises'
import { Kysely, type Transaction } from 'kysely'
import type { PoolClient } from 'pg'
import type { ConnectionPool } from '../../platform/postgres/connect.ts'
import { from as copyFrom } from 'pg-copy-streams'
import { OwnSettingsDialect } from '../../platform/postgres/own-settings.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { columnsOf, type Table } from '../../platform/postgres/table.ts'
import { textRows } from './text-rows.ts'

/** One transaction, for Kysely and, for COPY, as the client that it runs on. */
export interface CopyTransaction {
  readonly trx: Transaction<Database>
  readonly client: PoolClient
}

/**
 * Runs `work` in one transaction that Kysely statements and COPY share. Kysely does not expose its client, so it gets a
 * pool that has only this one.
 */
export async function withTransaction<T>(
  pool: ConnectionPool,
  work: (transaction: CopyTransaction) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let failure: Error | undefined
  try {
    return await kyselyOn(client, pool.settings)
      .transaction()
      .execute((trx) => work({ trx, client }))
  } catch (error) {
    failure = error as Error
    throw error
  } finally {
    // After a failure the client may be in any state, so the pool replaces it.
    client.release(failure !== undefined)
  }
}

/**
 * Appends rows by COPY, within the client's transaction. Its binary format would save the conversion of numbers on both
 * sides, which is 3 % of a first load.
 */
export async function copyRows(client: PoolClient, table: Table, rows: readonly object[]): Promise<void> {
  if (rows.length === 0) return
  const columns = columnsOf(table)
  const stream = client.query(copyFrom(`copy identifai.${table.name} (${columns.join(', ')}) from stdin`))
  stream.end(textRows(columns, rows))
  await finished(stream)
}

function kyselyOn(client: PoolClient, settings: string): Kysely<Database> {
  const borrowed = { query: client.query.bind(client), release: () => {} } as unknown as PoolClient
  const pool = { connect: async () => borrowed, end: async () => {}, options: {} }
  return new Kysely<Database>({ dialect: new OwnSettingsDialect({ pool }, settings) })
}
