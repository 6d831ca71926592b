import { type Kysely, sql } from 'kysely'
import type { Database } from '../db/database.ts'

/**
 * By when nightly passes are done with: the start of the latest one that ended by itself or is alive. One that was cut
 * off, by a restart or a crash, is still owed. Null when there was none at all: nothing was missed then.
 *
 * @param leaseSeconds Without a sign of life for this long a run counts as cut off.
 */
export async function readLastNight(db: Kysely<Database>, leaseSeconds: number): Promise<Date | null> {
  const isOwed = sql<boolean>`status = 'interrupted'
    or status = 'running' and heartbeat_at < now() - make_interval(secs => ${leaseSeconds})`
  const { last } = await db
    .selectFrom('identifai.sync_runs')
    .select(
      // Before the first one, when none of them ever ended.
      sql<Date | null>`coalesce(max(started_at) filter (where not (${isOwed})), min(started_at) - interval '1 minute')`.as(
        'last',
      ),
    )
    .where('trigger', '=', 'schedule')
    .executeTakeFirstOrThrow()
  return last
}
