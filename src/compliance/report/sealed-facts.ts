import type { JsonObject } from '../../platform/json.ts'
import type { LabelCount } from '../../pipeline/seal/forced-now.ts'
import type { IdentifierState } from '../../platform/postgres/tables/queue.ts'
import type { DatabaseTime } from '../../platform/time.ts'
import type { Facts } from './make-report.ts'
import type { AsOf, Coverage, ForcedNow, Note } from './schema.ts'
import { summarizeNow } from './summary.ts'

/** The run that a report is as of: its place in the chain, and its row as it was sealed. */
export interface SealedRun {
  readonly chain_position: number
  readonly chain_head: string
  readonly row: SealedRow
}

/** The columns of a sealed row that a report needs. Columns that were null are absent. */
type SealedRow = JsonObject &
  Readonly<Record<'run_id', string>> &
  Readonly<Record<'finished_at', DatabaseTime>> &
  Readonly<Record<`${IdentifierState | 'tracked' | 'reanalyzing'}_count`, number>> &
  Readonly<Record<'unsealed_runs' | 'notes_through', number>> &
  Readonly<Partial<Record<'first_http_date' | 'last_http_date', DatabaseTime>>> &
  Readonly<Record<'forced_now', readonly LabelCount[]>> &
  Partial<Pick<Coverage, 'retired_reasons' | 'confirmed_since' | 'unfinished_since'>>

/** The facts of a report that are in the sealed row of its run. */
export function sealedFacts(
  media: string,
  { chain_position, chain_head, row }: SealedRun,
): {
  readonly asOf: AsOf
  readonly now: ForcedNow
  readonly coverage: Omit<Facts['coverage'], 'observed_since'>
} {
  const { run_id, finished_at, notes_through, first_http_date = null, last_http_date = null } = row
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
    unfinished_since: row.unfinished_since ?? null,
    unsealed_runs: row.unsealed_runs,
  }
  const http = { first_http_date, last_http_date }
  const now = summarizeNow(row.forced_now.filter((count) => count.media === media).map(withoutMedia))
  return { now, asOf: { run_id, finished_at, chain_position, chain_head, notes_through, ...http }, coverage }
}

/** In one order of keys, because the order of equal counts follows from the text. */
function withoutMedia({ machine, forced_to, identifiers }: LabelCount) {
  return { machine, forced_to, identifiers }
}

/** A note of a report from its sealed row. */
export function sealedNote(row: JsonObject): Note {
  const { media: _, ticket = null, reviewer = null, corrects = null, ...note } = row
  return { ...note, ticket, reviewer, corrects } as unknown as Note
}
