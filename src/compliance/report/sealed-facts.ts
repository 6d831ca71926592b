import type { DatabaseTime } from '../../platform/time.ts'
import type { JsonObject } from '../../platform/json.ts'
import type { Facts } from './make-report.ts'
import type { AsOf, Coverage } from './schema.ts'

/** The run that a report is as of: its place in the chain, and its row as it was sealed. */
export interface SealedRun {
  readonly chain_position: number
  readonly chain_head: string
  readonly row: SealedRow
}

/** The facts of a report that are in the sealed row of its run. */
export function sealedFacts({ chain_position, chain_head, row }: SealedRun): {
  readonly asOf: AsOf
  readonly coverage: Omit<Facts['coverage'], 'observed_since'>
} {
  const asOf: AsOf = {
    run_id: row.run_id,
    finished_at: row.finished_at,
    chain_position,
    chain_head,
    notes_through: row.notes_through,
    first_http_date: row.first_http_date ?? null,
    last_http_date: row.last_http_date ?? null,
  }
  const coverage = {
    tracked: row.tracked_count,
    finished: row.done_count + row.errored_count,
    done: row.done_count,
    errored: row.errored_count,
    pending: row.pending_count,
    missing: row.missing_count,
    quarantined: row.quarantined_count,
    retired: row.retired_count,
    retired_reasons: row.retired_reasons ?? [],
    reanalyzing: row.reanalyzing_count,
    confirmed_since: row.confirmed_since ?? null,
    unfinished_enqueued_since: row.unfinished_enqueued_since ?? null,
    unsealed_runs: row.unsealed_runs,
  }
  return { asOf, coverage }
}

/** The columns of a sealed row that a report needs. Columns that were null are absent. */
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
  readonly reanalyzing_count: number
  readonly retired_reasons?: Coverage['retired_reasons']
  readonly unsealed_runs: number
  readonly notes_through: number
  readonly confirmed_since?: DatabaseTime
  readonly unfinished_enqueued_since?: DatabaseTime
  readonly first_http_date?: DatabaseTime
  readonly last_http_date?: DatabaseTime
}
