import { setTimeout as sleep } from 'node:timers/promises'
import pRetry from 'p-retry'
import { RetryableError, ThrottledError } from '../../platform/errors.ts'

/** Longest delay between two tries. */
const MAX_DELAY_MS = 60_000

export interface RetryOptions {
  /** Tries after the first; being throttled uses up none. */
  readonly retries: number
  /** Bound of the first delay; it doubles with every retry, up to a minute. */
  readonly baseMs: number
  readonly signal: AbortSignal
  /** Told before the delay of retry number `retry`, from 1. */
  readonly onRetry: (error: Error, retry: number, delayMs: number) => void
  /**
   * Told of each throttled try, and how many there were in a row, from 1. It makes everybody wait, or throws when
   * that would take too long; the next try follows at once and waits with everybody.
   */
  readonly onThrottled: (error: ThrottledError, inARow: number) => Promise<void>
}

/** Tries again what may get better, after a random delay; anything else is thrown at once. */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  return pRetry(() => outlastThrottling(attempt, options.onThrottled), {
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

/** Full jitter: the delay before retry number `retry` (from 1) is evenly spread below this bound. */
export function delayBoundMs(retry: number, baseMs: number): number {
  return Math.min(baseMs * 2 ** (retry - 1), MAX_DELAY_MS)
}

async function outlastThrottling<T>(
  attempt: () => Promise<T>,
  onThrottled: RetryOptions['onThrottled'],
): Promise<T> {
  for (let inARow = 1; ; inARow++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof ThrottledError)) throw error
      await onThrottled(error, inARow)
    }
  }
}
