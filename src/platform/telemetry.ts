/** What a pass tells while it works, to whoever measures it; besides its log, and its row in `sync_runs`. */
export interface Telemetry {
  /** A request has ended, its whole answer read: with this status, or null where none came. */
  requestEnded(status: number | null, seconds: number): void
  /** A request is about to be repeated: over the quota (429), or lost. */
  requestRepeated(why: 'throttled' | 'lost'): void
  /** A request has waited this long for its slot of the quota. */
  quotaWaited(seconds: number): void
  /** A batch has been committed: rows of content and history that it brought. */
  rowsWritten(rows: number): void
}

/** Nobody measures. */
export const NO_TELEMETRY: Telemetry = {
  requestEnded: () => {},
  requestRepeated: () => {},
  quotaWaited: () => {},
  rowsWritten: () => {},
}
