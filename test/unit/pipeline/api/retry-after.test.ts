import { expect, it } from 'vitest'
import { retryAfterMs } from '../../../../src/pipeline/api/retry-after.ts'

const now = Date.parse('2026-07-01T10:00:00Z')
const date = new Date('2026-07-01T09:00:00Z')

it.each([
  ['7', 7000],
  [' 0 ', 0],
  ['Wed, 01 Jul 2026 09:01:30 GMT', 90_000],
  ['Wed, 01 Jul 2026 08:00:00 GMT', 0],
  ['soon', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After %j means %j ms, by the clock of the response', (header, expected) => {
  expect(retryAfterMs(header, { date, now })).toBe(expected)
})

it('reads a date by the local clock when the response has none', () => {
  expect(retryAfterMs('Wed, 01 Jul 2026 10:00:05 GMT', { date: null, now })).toBe(5000)
})
