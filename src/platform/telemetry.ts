/** Measurements of a run in progress, besides its log and its row in `sync_runs`. */
export interface Telemetry {
  /** A request has ended, with its whole response: its status, or null without a response. */
  requestEnded(status: number | null, seconds: number): void
  /** A request is about to be repeated: it was over the quota (429), or it failed. */
  requestRepeated(why: 'throttled' | 'failed'): void
  /** A request has waited this long for its slot of the quota. */
  quotaWaited(seconds: number): void
  /** A batch has been committed, with this number of rows of content and history. */
  rowsWritten(rows: number): void
}

export const NO_TELEMETRY: Telemetry = {
  requestEnded: () => {},
  requestRepeated: () => {},
  quotaWaited: () => {},
  rowsWritten: () => {},
}
