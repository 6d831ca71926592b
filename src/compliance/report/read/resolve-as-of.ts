import { type Kysely, sql } from 'kysely'
import { sealedRowOf } from '../../../pipeline/seal/read-rows.ts'
import { waitForSeal } from '../../../pipeline/seal/seal-run.ts'
import type { DatabaseTime } from '../../../platform/time.ts'
import { utcText } from '../../../platform/postgres/clock.ts'
import type { Database } from '../../../platform/postgres/database.ts'
import { UsageError } from '../../../platform/errors.ts'
import type { SealedRun } from '../sealed-facts.ts'

/**
 * Makes sure that a time names the same run now and later: waits until no run that ended before it is still being sealed.
 * A standby server cannot wait for that. There, a run that was sealed later proves it, because runs are sealed one after
 * the other. Throws a UsageError without such a run, and when the time lies in the future.
 */
export async function awaitAsOf(db: Kysely<Database>, asOf: string | null): Promise<void> {
  if (asOf === null) return
  const { rows } = await sql<{ isFuture: boolean; isStandby: boolean; hasLater: boolean }>`
    select ${asOf}::timestamptz > clock_timestamp() as "isFuture", pg_is_in_recovery() as "isStandby",
      exists (select from identifai.sync_runs
        where chain_position is not null and finished_at > ${asOf}::timestamptz) as "hasLater"`.execute(db)
  const { isFuture, isStandby, hasLater } = rows[0] ?? {}
  if (isFuture) {
    throw new UsageError(
      `--as-of ${asOf} is in the future, so the report would depend on later runs.`,
      'Give a time in the past.',
    )
  }
  if (!isStandby) return waitForSeal(db)
  if (hasLater) return
  throw new UsageError(
    `This server is a standby, and may still lack runs that ended before ${asOf}.`,
    'Run the report on the primary server, leave out --as-of, or wait for the next run.',
  )
}

/** Finds the last run that had ended by a time, for null the newest. Throws a UsageError when there is none. */
export async function resolveAsOf(db: Kysely<Database>, asOf: string | null): Promise<SealedRun> {
  const run = await db
    .selectFrom('identifai.sync_runs')
    .select(['run_id', 'chain_position', 'chain_head'])
    .where('chain_position', 'is not', null)
    .$if(asOf !== null, (query) => query.where(sql<boolean>`finished_at <= ${asOf}`))
    .orderBy('chain_position', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!run) {
    if (asOf === null) {
      throw new UsageError(
        'There is nothing to report, because no run has ended yet.',
        'Start one with: identifai-sync sync',
      )
    }
    throw new UsageError(
      `There is nothing to report, because no run had ended by ${asOf}.`,
      'Give a later --as-of.',
    )
  }
  const { run_id, chain_position, chain_head } = run
  return {
    chain_position: chain_position as number,
    chain_head: chain_head as string,
    row: (await sealedRowOf(db, run_id)) as SealedRun['row'],
  }
}

/**
 * Converts a time to UTC text with six digits. Throws a UsageError outside the years that this form can hold.
 *
 * @param timeZone The time zone of a time without one.
 */
export async function normalizeTime(
  db: Kysely<Database>,
  time: string,
  timeZone: string,
): Promise<DatabaseTime> {
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/.test(time)
  const instant = hasZone ? sql`${time}::timestamptz` : sql`(${time}::timestamp at time zone ${timeZone})`
  const { rows } = await sql<{ time: DatabaseTime; isWritable: boolean }>`
    select ${utcText(instant)} as time,
      ${instant} >= '0001-01-01Z' and ${instant} < '10000-01-01Z' as "isWritable"`.execute(db)
  const [row] = rows
  if (!row?.isWritable) {
    throw new UsageError(`${time} is outside the years 1 to 9999 in UTC.`, 'Give a time within them.')
  }
  return row.time
}
