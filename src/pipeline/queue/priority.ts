/** Priorities of the ledger: higher is asked first. Whoever inserts a row may choose any other. */
export const PRIORITY = {
  /** Somebody waits for news of it: a hash sibling changed, `requeue`, `request_refresh`. */
  woken: 10,
  /** What has no final answer yet. */
  firstAsk: 0,
  /** Identifiers enqueued from a file; the least that a fresh pass asks for. */
  bulk: -5,
  /** What has a final answer and is asked again all the same; anything above it is asked first. */
  sweep: -10,
} as const
