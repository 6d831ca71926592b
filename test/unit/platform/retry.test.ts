import { describe, expect, it } from 'vitest'
import {
  delayBoundMs,
  dueAfterFailureSeconds,
  jitteredDelayMs,
  retry,
  type RetryOptions,
} from '../../../src/platform/retry.ts'

it('the bound of the delay before a retry doubles, up to a minute', () => {
  expect(
    [1, 2, 3, 7, 40].map((attempt) => delayBoundMs(attempt, { baseMs: 1000, maxDelayMs: 60_000 })),
  ).toEqual([1000, 2000, 4000, 60_000, 60_000])
})

it('delays are spread over all of the time up to their bound, so that processes do not retry together', () => {
  const options = { baseMs: 1000, maxDelayMs: 60_000 }
  const delays = Array.from({ length: 1000 }, () => jitteredDelayMs(3, options))
  // Each quarter has 250 delays on average. Chance leaves one below 100 in less than one of 10^30 tests.
  const quarters = Map.groupBy(delays, (delay) => Math.floor(delay / 1000))
  expect(new Set(quarters.keys())).toEqual(new Set([0, 1, 2, 3]))
  for (const { length } of quarters.values()) expect(length).toBeGreaterThan(100)
})

it('an identifier of a failed request waits a minute, doubling to fifteen', () => {
  expect([1, 2, 3, 4, 5, 50].map(dueAfterFailureSeconds)).toEqual([60, 120, 240, 480, 900, 900])
})

describe('work that fails', () => {
  /** Works at the given attempt, and counts the attempts and the retries. */
  const attempt = async (worksAt: number, more: Partial<RetryOptions> = {}) => {
    const seen: [message: string, retryNo: number][] = []
    let attempts = 0
    const result = await retry(
      async () => {
        attempts += 1
        if (attempts < worksAt) throw new Error(`failure ${attempts}`)
        return 'result'
      },
      {
        retries: 2,
        baseMs: 1,
        maxDelayMs: 1,
        isRetryable: () => true,
        onRetry: ({ message }, retryNo, delayMs) => {
          seen.push([message, retryNo])
          expect([0, 1]).toContain(delayMs)
        },
        ...more,
      },
    ).catch(({ message }: Error) => message)
    return { result, attempts, seen }
  }

  it('is repeated until it works', async () => {
    expect(await attempt(3)).toEqual({
      result: 'result',
      attempts: 3,
      seen: [
        ['failure 1', 1],
        ['failure 2', 2],
      ],
    })
  })

  it('fails with its last error when no attempt is left', async () => {
    expect(await attempt(4)).toMatchObject({ result: 'failure 3', attempts: 3 })
  })

  it('fails at the first error that is not retryable', async () => {
    const isRetryable = ({ message }: Error) => message !== 'failure 2'
    expect(await attempt(4, { isRetryable })).toMatchObject({ result: 'failure 2', attempts: 2 })
  })

  it('is not repeated after an abort, whose reason it throws, also during a long delay', async () => {
    const stop = new AbortController()
    const onRetry = () => setImmediate(() => stop.abort(new Error('stopped')))
    const delay = { baseMs: 2 ** 30, maxDelayMs: 2 ** 30 }
    expect(await attempt(2, { signal: stop.signal, onRetry, ...delay })).toMatchObject({ attempts: 1 })
    expect(await attempt(1, { signal: AbortSignal.abort(new Error('stopped')) })).toMatchObject({
      result: 'stopped',
      attempts: 0,
    })
  })
})
