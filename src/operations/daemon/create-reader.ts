import { setTimeout as sleep } from 'node:timers/promises'

/** A reading is reused for one second, or for 20 times its own duration when that is longer. */
const MIN_AGE_MS = 1000
const AGE_PER_DURATION = 20

/** A value from the database, and the time at which its reading ended. */
export interface Reading<Value> {
  readonly value: Value
  readonly at: Date
}

interface ReaderOptions {
  /** A caller that has waited for so long gets the previous reading. */
  readonly waitMs: number
  readonly onFailure: (error: unknown) => void
}

/**
 * Limits how often `read` runs, and never runs it twice at a time. Without callers it does not run. While a reading takes
 * long, callers get the previous one. The result is undefined before the first reading, and after a failed one.
 */
export function createReader<Value>(
  read: () => Promise<Value>,
  { waitMs, onFailure }: ReaderOptions,
): () => Promise<Reading<Value> | undefined> {
  let last: Reading<Value> | undefined
  let current: Promise<void> | undefined
  let freshUntil = 0
  const readNow = async () => {
    const startedAt = performance.now()
    try {
      last = { value: await read(), at: new Date() }
    } catch (error) {
      onFailure(error)
      last = undefined
    }
    const now = performance.now()
    freshUntil = now + Math.max(MIN_AGE_MS, (now - startedAt) * AGE_PER_DURATION)
    current = undefined
  }
  return async () => {
    if (performance.now() >= freshUntil) current ??= readNow()
    if (current) await Promise.race([current, sleep(waitMs, undefined, { ref: false })])
    return last
  }
}
