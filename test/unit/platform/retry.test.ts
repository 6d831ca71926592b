import { expect, it } from 'vitest'
import { delayBoundMs, dueAfterFailureSeconds } from '../../../src/platform/retry.ts'

it('the bound of the delay before a retry doubles, up to a minute', () => {
  expect(
    [1, 2, 3, 7, 40].map((attempt) => delayBoundMs(attempt, { baseMs: 1000, maxDelayMs: 60_000 })),
  ).toEqual([1000, 2000, 4000, 60_000, 60_000])
})

it('an identifier of a failed request waits a minute, doubling to fifteen', () => {
  expect([1, 2, 3, 4, 5, 50].map(dueAfterFailureSeconds)).toEqual([60, 120, 240, 480, 900, 900])
})
