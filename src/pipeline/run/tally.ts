/** What a pass has counted so far; the names are the counter columns of `sync_runs`. */
export interface Tally {
  requests: number
  retries: number
  throttled: number
  claimed: number
  returned: number
  done: number
  pending: number
  errored: number
  not_returned: number
  quarantined: number
  released: number
  changed: number
  unchanged: number
  force_changes: number
}

export function emptyTally(): Tally {
  return {
    requests: 0,
    retries: 0,
    throttled: 0,
    claimed: 0,
    returned: 0,
    done: 0,
    pending: 0,
    errored: 0,
    not_returned: 0,
    quarantined: 0,
    released: 0,
    changed: 0,
    unchanged: 0,
    force_changes: 0,
  }
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
