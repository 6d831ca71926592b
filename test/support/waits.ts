import { type Kysely, sql } from 'kysely'
import { expect } from 'vitest'
import type { Database } from '../../src/platform/postgres/database.ts'

/** Options of expect.poll for a busy machine. */
export const WAIT_LIMIT = { timeout: 30_000 }

/** Resolves when `work` has ended, or its session waits for a lock. No other session of the database may wait. */
export async function endsOrWaits(db: Kysely<Database>, work: Promise<unknown>): Promise<void> {
  let isEnded = false
  const end = () => {
    isEnded = true
  }
  work.then(end, end)
  await expect.poll(async () => isEnded || (await countWaiting(db)) > 0, WAIT_LIMIT).toBe(true)
}

async function countWaiting(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
  return rows.length
}
