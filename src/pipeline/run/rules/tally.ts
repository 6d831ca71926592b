import { COUNTERS, type RunStatus } from '../../../platform/postgres/tables/runs.ts'

/** The counters of a run so far; the names are the counter columns of `sync_runs`. */
export type Tally = Record<(typeof COUNTERS)[number], number>

export function emptyTally(): Tally {
  return Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Tally
}

/** The accounting identity: each claim has ended in exactly one way. */
export function isBalanced(tally: Tally): boolean {
  return tally.claimed === finishedClaims(tally) + tally.released
}

/** Claims that have ended with an outcome. */
export function finishedClaims(tally: Readonly<Tally>): number {
  const { done, pending, errored, not_returned, quarantined } = tally
  return done + pending + errored + not_returned + quarantined
}

/** The status of a run that has ended; where several apply, the most severe one. */
export function statusOf(run: {
  readonly failed: boolean
  readonly interrupted: boolean
  readonly tally: Tally
}): Exclude<RunStatus, 'running'> {
  if (run.failed) return 'failed'
  if (run.interrupted) return 'interrupted'
  return run.tally.released > 0 || run.tally.quarantined > 0 ? 'partial' : 'succeeded'
}
