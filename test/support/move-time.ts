import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'

/** Simulates the passage of time: moves the times of the queue and of limits, and the start of open runs, into the past. */
export async function moveTime(db: Kysely<Database>, seconds: number): Promise<void> {
  const by = sql`make_interval(secs => ${seconds})`
  await sql`
    update identifai.identifiers set due_at = due_at - ${by}, lease_until = lease_until - ${by},
      refresh_requested_at = refresh_requested_at - ${by}, last_requested_at = last_requested_at - ${by},
      last_confirmed_at = last_confirmed_at - ${by}, enqueued_at = enqueued_at - ${by},
      finished_at = finished_at - ${by}`.execute(db)
  await sql`update identifai.api_size_limits set learned_at = learned_at - ${by}`.execute(db)
  await sql`update identifai.sync_runs set started_at = started_at - ${by} where status = 'running'`.execute(
    db,
  )
}
