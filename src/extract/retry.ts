import { setTimeout as sleep } from 'node:timers/promises'
import pRetry from 'p-retry'
import { RetryableError } from '../errors.ts'

/** Longest delay between two tries. */
const MAX_DELAY_MS = 60_000

export interface RetryOptions {
  /** Tries after the first. */
  readonly retries: number
  /** Bound of the first delay; it doubles with every retry, up to a minute. */
  readonly baseMs: number
  readonly signal: AbortSignal
  readonly onRetry: (error: Error, attempt: number, delayMs: number) => void
}

/** Tries again what may get better, after a random delay; anything else is thrown at once. */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  return pRetry(attempt, {
    retries: options.retries,
    // The delays are ours (below): p-retry has no full jitter.
    minTimeout: 0,
    signal: options.signal,
    shouldRetry: async ({ error, attemptNumber }) => {
      if (!(error instanceof RetryableError)) return false
      const delayMs = Math.random() * delayBoundMs(attemptNumber, options.baseMs)
      options.onRetry(error, attemptNumber, Math.round(delayMs))
      await sleep(delayMs, undefined, { signal: options.signal })
      return true
    },
  })
}

/** Full jitter: the delay before retry number `attempt` (from 1) is evenly spread below this bound. */
export function delayBoundMs(attempt: number, baseMs: number): number {
  return Math.min(baseMs * 2 ** (attempt - 1), MAX_DELAY_MS)
}
