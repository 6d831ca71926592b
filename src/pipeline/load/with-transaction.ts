import { Kysely, PostgresDialect, type Transaction } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import type { Database } from '../../platform/postgres/database.ts'

/** One transaction, seen by Kysely and, for COPY, as the client it runs on. */
export interface CopyTransaction {
  readonly trx: Transaction<Database>
  readonly client: PoolClient
}

/**
 * Runs `work` in one transaction that Kysely statements and COPY share. Kysely hands out no raw client, so it is
 * given a pool that only ever has this one.
 */
export async function withTransaction<T>(
  pool: Pool,
  work: (transaction: CopyTransaction) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let failure: Error | undefined
  try {
    return await kyselyOn(client)
      .transaction()
      .execute((trx) => work({ trx, client }))
  } catch (error) {
    failure = error as Error
    throw error
  } finally {
    // A client that saw a failure may be in any state: the pool replaces it.
    client.release(failure !== undefined)
  }
}

function kyselyOn(client: PoolClient): Kysely<Database> {
  const borrowed = { query: client.query.bind(client), release: () => {} } as unknown as PoolClient
  const pool = { connect: async () => borrowed, end: async () => {}, options: {} }
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
}
