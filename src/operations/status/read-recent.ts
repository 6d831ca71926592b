import { type Kysely, sql } from 'kysely'
import { readLastForces } from '../../compliance/history/read-last-forces.ts'
import { readLastVerification } from '../../compliance/verify/verifications.ts'
import { readPause } from '../../pipeline/api/pause.ts'
import { readLastRuns } from '../../pipeline/queue/status.ts'
import { readWebhookFailure } from '../webhook/position.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { COMPLETE_TRIGGERS, SUCCESS_STATUSES } from '../../platform/postgres/tables/runs.ts'

/** Days of the calendar of nightly runs: five weeks. */
export const CALENDAR_DAYS = 35

/** Minutes of the chart of requests. */
export const CHART_MINUTES = 60

const FORCES_SHOWN = 10

/** Drift is news for so long. */
const DRIFT_DAYS = 7

/** Facts of the status page that are in few rows, which indexes find. */
export type Recent = Awaited<ReturnType<typeof readRecent>>

export async function readRecent(db: Kysely<Database>, timeZone: string) {
  return {
    nightly: await readNightlyRuns(db, timeZone),
    first_nightly_day: await readFirstNightlyDay(db, timeZone),
    today: await readToday(db, timeZone),
    healthy_since: await readHealthySince(db),
    requests: await readRequests(db),
    last_runs: await readLastRuns(db),
    forces: await readLastForces(db, FORCES_SHOWN),
    paused_until: await readPause(db),
    last_verification: await readLastVerification(db),
    webhook_failure: await readWebhookFailure(db),
    drift: await readNewDrift(db),
  }
}

/** The nightly runs of the calendar, the first one first, each with its day in the time zone: `2026-07-01`. */
async function readNightlyRuns(db: Kysely<Database>, timeZone: string) {
  return db
    .selectFrom('identifai.sync_runs')
    .select([
      sql<string>`to_char(started_at at time zone ${timeZone}, 'YYYY-MM-DD')`.as('day'),
      'started_at',
      'status',
      sql<number>`extract(epoch from coalesce(finished_at, clock_timestamp()) - started_at)::double precision`.as(
        'seconds',
      ),
      'requests',
      'changed',
      'error',
    ])
    .where('trigger', '=', 'nightly')
    .where('started_at', '>', sql<Date>`now() - make_interval(days => ${CALENDAR_DAYS + 1})`)
    .orderBy('started_at')
    .execute()
}

/** The day of the first nightly run of all; null before it. */
async function readFirstNightlyDay(db: Kysely<Database>, timeZone: string): Promise<string | null> {
  const first = await db
    .selectFrom('identifai.sync_runs')
    .select(sql<string>`to_char(started_at at time zone ${timeZone}, 'YYYY-MM-DD')`.as('day'))
    .where('trigger', '=', 'nightly')
    .orderBy('started_at')
    .limit(1)
    .executeTakeFirst()
  return first?.day ?? null
}

/** The current day in the time zone, by the clock of the database. */
async function readToday(db: Kysely<Database>, timeZone: string): Promise<string> {
  const { rows } = await sql<{ day: string }>`
    select to_char(now() at time zone ${timeZone}, 'YYYY-MM-DD') as day`.execute(db)
  return rows[0]?.day ?? ''
}

/**
 * The end of the first success after the last run that failed, among the runs that request everything due; null without a
 * success since then.
 */
async function readHealthySince(db: Kysely<Database>): Promise<Date | null> {
  const runs = db
    .selectFrom('identifai.sync_runs')
    .where('trigger', 'in', COMPLETE_TRIGGERS)
    .where('finished_at', 'is not', null)
  const { since } = await runs
    .select(({ fn }) => fn.min<Date | null>('finished_at').as('since'))
    .where('status', 'in', SUCCESS_STATUSES)
    .where('started_at', '>', (eb) =>
      eb
        .selectFrom('identifai.sync_runs')
        .select(sql<Date>`coalesce(max(started_at), '-infinity')`.as('at'))
        .where('trigger', 'in', COMPLETE_TRIGGERS)
        .where('status', 'in', ['failed', 'interrupted']),
    )
    .executeTakeFirstOrThrow()
  return since
}

/** The runs that were in progress in the last hour, as seconds before now, with their requests. */
async function readRequests(db: Kysely<Database>) {
  return (
    db
      .selectFrom('identifai.sync_runs')
      .select([
        sql<number>`extract(epoch from now() - started_at)::double precision`.as('began'),
        sql<number>`extract(epoch from now() - coalesce(finished_at, now()))::double precision`.as('ended'),
        'requests',
      ])
      .where('requests', '>', 0)
      // A run lasts a week at most.
      .where('started_at', '>', sql<Date>`now() - interval '8 days'`)
      .where(sql<boolean>`coalesce(finished_at, now()) > now() - make_interval(mins => ${CHART_MINUTES})`)
      .execute()
  )
}

/** Fields and values that are not in the contract, and were new in the last days. */
async function readNewDrift(db: Kysely<Database>) {
  const { rows } = await sql<{ path: string; kind: string }>`
    select path, kind from identifai.schema_drift
    where first_seen_at > now() - make_interval(days => ${DRIFT_DAYS})
    order by first_seen_at desc, path`.execute(db)
  return rows
}
