import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { COMPLETE_TRIGGERS, SUCCESS_STATUSES } from '../../platform/postgres/tables/runs.ts'
import { RETRY_POLICY } from '../../platform/retry.ts'

/**
 * Reads when the last successful run ended, of any process; null before the first. Only runs that request everything due
 * count.
 */
export async function readLastSuccess(db: Kysely<Database>): Promise<Date | null> {
  const { last } = await db
    .selectFrom('identifai.sync_runs')
    .select(({ fn }) => fn.max('finished_at').as('last'))
    .where('trigger', 'in', COMPLETE_TRIGGERS)
    .where('status', 'in', SUCCESS_STATUSES)
    .executeTakeFirstOrThrow()
  return last
}

/** The start of a nightly run or a verification, by the clock of the database, and the time since then. */
export interface LastStart {
  readonly startedAt: Date
  readonly secondsAgo: number
}

/**
 * Reads when the latest nightly run started that need not be repeated: it ended well, is still running, or failed a
 * short time ago (RETRY_POLICY). An interrupted run and a run whose process died have to be repeated. Null when no nightly run
 * exists, because then none was missed.
 *
 * The schedule follows the clock of this machine, so it also needs the time since then. By the clock of the database, a run
 * may have started before its scheduled time.
 *
 * @param leaseSeconds A running run without a heartbeat for this long counts as dead.
 */
export async function readLastNightly(db: Kysely<Database>, leaseSeconds: number): Promise<LastStart | null> {
  const isMissed = sql<boolean>`status = 'interrupted'
    or status = 'running' and heartbeat_at < now() - make_interval(secs => ${leaseSeconds})
    or status = 'failed' and finished_at < now() - make_interval(mins => ${RETRY_POLICY.run.repeatAfterMinutes})`
  const { startedAt, secondsAgo } = await db
    .selectFrom((eb) =>
      eb
        .selectFrom('identifai.sync_runs')
        // When every run has to be repeated, a moment before the first one, so that its own nightly time counts as missed.
        .select(
          sql<Date | null>`coalesce(max(started_at) filter (where not (${isMissed})), min(started_at) - interval '1 minute')`.as(
            'startedAt',
          ),
        )
        .where('trigger', '=', 'nightly')
        .as('last'),
    )
    .select((eb) => [
      'startedAt',
      sql<number>`extract(epoch from clock_timestamp() - ${eb.ref('startedAt')})::double precision`.as(
        'secondsAgo',
      ),
    ])
    .executeTakeFirstOrThrow()
  return startedAt && { startedAt, secondsAgo }
}
