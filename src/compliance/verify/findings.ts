import type { KeyObject } from 'node:crypto'
import type { Certificate } from 'pkijs'
import type { Json, JsonObject } from '../../platform/json.ts'

/** The facts that an auditor kept elsewhere. */
export interface Given {
  /** A chain head (hex). */
  readonly head?: string | undefined
  /** The Ed25519 key that must have signed the chain head. */
  readonly key?: KeyObject | undefined
  /** The certificates to which the signatures of all timestamps must lead. */
  readonly authorities?: readonly Certificate[] | undefined
}

/** One thing that is not as it was sealed. The keys are those of the JSON output. */
export interface Finding {
  /** Chain position of the run that it is about; null when it is about no sealed run, or about no place in the chain. */
  readonly chain_position: number | null
  /** `revision 12 of classification 7`, `run 0c1e…`, `note 7`. */
  readonly what: string
  readonly problem: string
}

export function finding(what: string, problem: string, chain_position: number | null = null): Finding {
  return { chain_position, what, problem }
}

/** How far a clock may have been set before the time of a row counts as a finding. */
const TOLERANCE_MS = 3_600_000

/**
 * Returns a check of the times of the rows that a run has sealed: the problem of a row, and undefined when there is none. A
 * revision is written while its run is under way, a note or an action after the run before ended. A row with another time was
 * written manually, or the clock was set. The revisions of a run without a request may be older, because a replay loads them.
 *
 * @param run As it was sealed, like the rows.
 * @param former The run before; empty for the first.
 */
export function timeCheck(run: JsonObject, former: JsonObject): (row: JsonObject) => string | undefined {
  const end = textOf(run.finished_at)
  const ofRevisions = textOf(run.requests === 0 ? undefined : run.started_at)
  const ofOthers = textOf(former.finished_at)
  const [earliestRevision, earliestOther] = [
    moved(ofRevisions, -TOLERANCE_MS),
    moved(ofOthers, -TOLERANCE_MS),
  ]
  const latest = moved(end, TOLERANCE_MS)
  return (row) => {
    const isRevision = 'observed_at' in row
    const time = textOf(row.observed_at ?? row.noted_at ?? row.acted_at)
    const isEarly = time !== '' && time < (isRevision ? earliestRevision : earliestOther)
    const isLate = latest !== '' && time > latest
    if (!isEarly && !isLate) return undefined
    const begin = (isRevision ? ofRevisions : ofOthers) || '…'
    return `has the time ${time}, but was sealed with rows written between ${begin} and ${end}: it was written manually, or the clock was set`
  }
}

/** A time that is moved by some milliseconds, as text that compares with others; empty for any other text. */
function moved(time: string, milliseconds: number): string {
  const moment = Date.parse(time) + milliseconds
  return Number.isNaN(moment) ? '' : `${new Date(moment).toISOString().slice(0, -1)}${time.slice(23)}`
}

/** Empty when the value is no text; an empty time is neither too early nor too late. */
function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
