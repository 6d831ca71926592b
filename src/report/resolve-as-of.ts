import { type Kysely, sql } from 'kysely'
import { sealedRowOf } from '../chain/read-rows.ts'
import type { DatabaseTime } from '../database-time.ts'
import { utcText } from '../db/clock.ts'
import type { Database } from '../db/database.ts'
import { UsageError } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import type { Coverage } from './report.ts'

/** The run at whose end history is looked at: its place in the chain, and its row as it was sealed. */
export interface SealedRun {
  readonly chain_position: number
  readonly chain_head: string
  readonly row: SealedRow
}

/**
 * The last run that had ended by a time; the newest one for null.
 *
 * @throws UsageError when none had.
 */
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
    throw new UsageError(
      asOf === null
        ? 'There is nothing to report on: no pass has ended yet. Run one with: identifai-sync sync'
        : `There is nothing to report on: no pass had ended by ${asOf}. Give a later --as-of.`,
    )
  }
  const { run_id, chain_position, chain_head } = run
  return {
    chain_position: chain_position as number,
    chain_head: chain_head as string,
    row: (await sealedRowOf(db, run_id)) as SealedRow,
  }
}

/** A time as the database understands it, in the form that all times here have. */
export async function normalizeTime(db: Kysely<Database>, time: string): Promise<DatabaseTime> {
  const { rows } = await sql<{
    time: DatabaseTime
  }>`select ${utcText(sql`${time}::timestamptz`)} as time`.execute(db)
  return (rows[0] as { time: DatabaseTime }).time
}

/** What is read of a sealed row; what was null is not there. */
type SealedRow = JsonObject & {
  readonly run_id: string
  readonly finished_at: DatabaseTime
  readonly tracked_count: number
  readonly done_count: number
  readonly errored_count: number
  readonly pending_count: number
  readonly missing_count: number
  readonly quarantined_count: number
  readonly retired_count: number
  readonly retired_reasons?: Coverage['retired_reasons']
  readonly unsealed_runs: number
  readonly notes_through: number
  readonly confirmed_since?: DatabaseTime
  readonly unsettled_enqueued_since?: DatabaseTime
  readonly first_http_date?: DatabaseTime
  readonly last_http_date?: DatabaseTime
}
