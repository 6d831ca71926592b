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
 * Throws a UsageError when the time lies in the future.
 */
export async function awaitAsOf(db: Kysely<Database>, asOf: string | null): Promise<void> {
  if (asOf === null) return
  const { rows } = await sql<{ isFuture: boolean }>`
    select ${asOf}::timestamptz > clock_timestamp() as "isFuture"`.execute(db)
  if (rows[0]?.isFuture) {
    throw new UsageError(
      `--as-of ${asOf} is in the future, so the report would depend on later runs.`,
      'Give a time in the past.',
    )
  }
  await waitForSeal(db)
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

/** Converts a time to UTC text with six digits. Throws a UsageError outside the years that this form can hold. */
export async function normalizeTime(db: Kysely<Database>, time: string): Promise<DatabaseTime> {
  const { rows } = await sql<{ time: DatabaseTime; isWritable: boolean }>`
    select ${utcText(sql`${time}::timestamptz`)} as time,
      ${time}::timestamptz >= '0001-01-01Z' and ${time}::timestamptz < '10000-01-01Z' as "isWritable"`.execute(
    db,
  )
  const [row] = rows
  if (!row?.isWritable) {
    throw new UsageError(`${time} is outside the years 1 to 9999 in UTC.`, 'Give a time within them.')
  }
  return row.time
}
