import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

/** What made a night fail may be over by then; if not, asking this often harms nobody. */
const RETRY_AFTER_MINUTES = 30

/**
 * By when nightly passes are done with: the start of the latest one that ended well, is alive, or failed a moment ago. One
 * that was cut off, by a restart or a crash, is still owed, and so is one that failed, after a while. Null when there was
 * none at all: nothing was missed then.
 *
 * @param leaseSeconds Without a sign of life for this long a run counts as cut off.
 */
export async function readLastNightly(db: Kysely<Database>, leaseSeconds: number): Promise<Date | null> {
  const isMissed = sql<boolean>`status = 'interrupted'
    or status = 'running' and heartbeat_at < now() - make_interval(secs => ${leaseSeconds})
    or status = 'failed' and finished_at < now() - make_interval(mins => ${RETRY_AFTER_MINUTES})`
  const { last } = await db
    .selectFrom('identifai.sync_runs')
    .select(
      // Before the first one, when none of them ever ended.
      sql<Date | null>`coalesce(max(started_at) filter (where not (${isMissed})), min(started_at) - interval '1 minute')`.as(
        'last',
      ),
    )
    .where('trigger', '=', 'nightly')
    .executeTakeFirstOrThrow()
  return last
}
