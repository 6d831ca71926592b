import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

/** Reads the newest timestamp of the chain, and its age by the clock of the database; null before the first. */
export async function readNewestTimestamp(db: Kysely<Database>) {
  const newest = await db
    .selectFrom('identifai.chain_timestamps')
    .select([
      'chain_position',
      'received_at',
      sql<number>`extract(epoch from clock_timestamp() - received_at)::double precision`.as('age_seconds'),
    ])
    .orderBy('chain_position', 'desc')
    .orderBy('received_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return newest ?? null
}
