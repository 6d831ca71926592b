import { setTimeout as sleep } from 'node:timers/promises'
import pRetry from 'p-retry'

/**
 * The retry policy: every limit and delay after which a failed operation is repeated or given up.
 * SYNC_RETRIES and SYNC_RETRY_BASE_MS set the rest for requests.
 */
export const RETRY_POLICY = {
  request: {
    /** Longest delay between two attempts of a request. */
    maxDelayMs: 60_000,
    /** Longest pause that a run waits for; a longer one ends it. */
    maxPauseMs: 5 * 60_000,
    /** Longest pause of all processes. The API may request a longer one, by a header that is wrong. */
    longestPauseMs: 60 * 60_000,
    /** With growing pauses this is about ten minutes, longer than a burst of another process lasts. */
    maxThrottledInARow: 15,
  },
  /** The pace of the requests after a 429, by the factor of the time between two slots. */
  pace: {
    /** After each 429 that follows another one within the time that a 429 counts. */
    slower: 1.1,
    /** After each accepted request: a third of a per cent faster, so about one request of thirty tests the limit. */
    faster: 0.997,
    slowest: 10,
    countsForMinutes: 60,
  },
  /** Together this outlasts the restart of a server: about half a minute. */
  database: { retries: 8, baseMs: 200, maxDelayMs: 60_000 },
  /** Ending a server session whose connection is lost, until it succeeds. */
  session: { baseMs: 500, maxDelayMs: 30_000 },
  /** Deliveries of the webhook, until the receiver accepts one. */
  webhook: { baseMs: 2000, maxDelayMs: 5 * 60_000, timeoutMs: 15_000 },
  run: {
    /** Batches in a row that fail for a transient reason, after which a run gives up. */
    maxFailedInARow: 5,
    /** A failed nightly run is repeated after this time, if the cause may be over by then. */
    repeatAfterMinutes: 30,
  },
  identifier: {
    /** After a failed request: doubles with each failure in a row, within these bounds. */
    minDelaySeconds: 60,
    maxDelaySeconds: 15 * 60,
  },
} as const

export interface RetryOptions {
  /** Attempts after the first. */
  readonly retries: number
  /** Bound of the first delay; it doubles with every retry. */
  readonly baseMs: number
  readonly maxDelayMs: number
  readonly signal?: AbortSignal
  readonly isRetryable: (error: Error) => boolean
  /** Called before the delay of a retry; the first has number 1. */
  readonly onRetry: (error: Error, retryNo: number, delayMs: number) => void
}

/** Repeats work that fails for a retryable reason, after a random delay; throws any other error at the first failure. */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { retries, signal, isRetryable, onRetry } = options
  return pRetry(work, {
    retries,
    // The delay is made below, because p-retry has no full jitter.
    minTimeout: 0,
    ...(signal && { signal }),
    shouldRetry: async ({ error, attemptNumber }) => {
      if (!isRetryable(error)) return false
      const delayMs = jitteredDelayMs(attemptNumber, options)
      onRetry(error, attemptNumber, Math.round(delayMs))
      await sleep(delayMs, undefined, { ...(signal && { signal }) })
      return true
    },
  })
}

type DelayOptions = Pick<RetryOptions, 'baseMs' | 'maxDelayMs'>

/** Full jitter: a delay that is uniformly distributed below the bound of this retry. */
export function jitteredDelayMs(retryNo: number, options: DelayOptions): number {
  return Math.random() * delayBoundMs(retryNo, options)
}

/** The bound of the delay before a retry, the first of which has number 1. */
export function delayBoundMs(retryNo: number, { baseMs, maxDelayMs }: DelayOptions): number {
  return Math.min(baseMs * 2 ** (retryNo - 1), maxDelayMs)
}

/** Seconds until an identifier is due again after its `failures`-th failed request in a row (from 1). */
export function dueAfterFailureSeconds(failures: number): number {
  const { minDelaySeconds, maxDelaySeconds } = RETRY_POLICY.identifier
  return Math.min(minDelaySeconds * 2 ** (failures - 1), maxDelaySeconds)
}
