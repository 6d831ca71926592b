import type { Json, JsonObject } from '../../platform/json.ts'

/** How far a clock may have been set without a row looking as if it had been written by hand. */
const TOLERANCE_MS = 3_600_000

/**
 * What is wrong with the time of a row that a run has sealed: a revision is written while its run is under way, a note
 * since the run before. What claims otherwise was written by hand, or the clock was set. Undefined when nothing is wrong.
 * Revisions that a replay loads, in a run without a request, are older for good reason.
 *
 * @param row As it was sealed, like the runs.
 * @param former The run before; empty for the first.
 */
export function outsideRun(row: JsonObject, run: JsonObject, former: JsonObject): string | undefined {
  const isNote = 'note_id' in row
  const time = textOf(isNote ? row.noted_at : row.observed_at)
  const begin = textOf(isNote ? former.finished_at : run.requests === 0 ? undefined : run.started_at)
  const end = textOf(run.finished_at)
  const isEarly = Date.parse(begin) - Date.parse(time) > TOLERANCE_MS
  const isLate = Date.parse(time) - Date.parse(end) > TOLERANCE_MS
  if (!isEarly && !isLate) return undefined
  return `says ${time}, but was sealed with what was written between ${begin || '…'} and ${end}: it was written by hand, or the clock was set`
}

/** Empty for what is no text; as a time that is neither too early nor too late. */
function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
