import { setTimeout as sleep } from 'node:timers/promises'

/** A reading is reused for at least this time. */
const MIN_REUSE_MS = 1000

/** A slow reading is reused for this multiple of its own duration; a failed one, only for its duration. */
const REUSE_PER_DURATION = 20

/** A value from the database, and the time at which its reading ended. */
export interface Reading<Value> {
  readonly value: Value
  readonly at: Date
}

interface ReaderOptions {
  /** A caller that has waited for so long gets the previous reading. */
  readonly waitMs: number
  /** A reading that could have been repeated for so long is too old to be returned. */
  readonly maxOverdueMs?: number
  /** A reading is reused for this multiple of its duration, instead of 20 times. */
  readonly reusePerDuration?: number
  readonly onFailure: (error: unknown) => void
}

/**
 * Limits how often `read` runs, and never runs it twice at a time. Without callers it does not run. While a reading takes
 * long, callers get the previous one. The result is undefined before the first reading, after a failed one, and while the
 * previous one is too old.
 */
export function createReader<Value>(
  read: () => Promise<Value>,
  {
    waitMs,
    maxOverdueMs = Number.POSITIVE_INFINITY,
    reusePerDuration = REUSE_PER_DURATION,
    onFailure,
  }: ReaderOptions,
): () => Promise<Reading<Value> | undefined> {
  let last: Reading<Value> | undefined
  let current: Promise<void> | undefined
  let reusedUntil = 0
  const readNow = async () => {
    const startedAt = performance.now()
    try {
      last = { value: await read(), at: new Date() }
    } catch (error) {
      onFailure(error)
      last = undefined
    }
    const now = performance.now()
    reusedUntil = now + Math.max(MIN_REUSE_MS, (now - startedAt) * (last ? reusePerDuration : 1))
    current = undefined
  }
  return async () => {
    if (performance.now() >= reusedUntil) current ??= readNow()
    if (current) await Promise.race([current, sleep(waitMs, undefined, { ref: false })])
    return performance.now() - reusedUntil > maxOverdueMs ? undefined : last
  }
}
