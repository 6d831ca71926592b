import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { expect } from 'vitest'
import type { Database } from '../../src/platform/postgres/database.ts'

/** Waits for a condition of another process, up to the time limit of the test. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(50)
}

/** Waits until a session of the database waits for a lock. */
export async function waitsForLock(db: Kysely<Database>): Promise<void> {
  await expect.poll(() => countWaiting(db), { interval: 10 }).toBeGreaterThan(0)
}

/** Resolves when `work` has ended, or its session waits for a lock. Of other sessions, as many wait as `others` says. */
export async function endsOrWaits(
  db: Kysely<Database>,
  work: Promise<unknown>,
  { others = 0 }: { readonly others?: number } = {},
): Promise<void> {
  let isEnded = false
  const end = () => {
    isEnded = true
  }
  work.then(end, end)
  await expect.poll(async () => isEnded || (await countWaiting(db)) > others, { interval: 10 }).toBe(true)
}

async function countWaiting(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(db)
  return rows.length
}
