/** Priorities of tracked identifiers: higher is requested first. An INSERT may choose any other value. */
export const PRIORITY = {
  /** A refresh was requested: by `requeue`, `request_refresh`, or because a same-file identifier changed. */
  refreshRequested: 10,
  /** Not finished yet. */
  new: 0,
  /** Enqueued from a file; the lowest priority that a fresh run requests. */
  bulk: -5,
  /** Finished, and requested again because finished results can still change. */
  refresh: -10,
} as const
