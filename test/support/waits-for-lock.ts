import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'

/** Waits until a session of the database waits for a lock that another one holds. */
export async function waitsForLock(db: Kysely<Database>): Promise<void> {
  const blocked = sql<{ n: number }>`
    select count(*)::integer as n from pg_stat_activity
    where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`
  while ((await blocked.execute(db)).rows[0]?.n === 0) await sleep(10)
}
