import { expect, it } from 'vitest'
import { retryAfterMs } from '../../../../src/pipeline/api/retry-after.ts'

const HOUR = 3_600_000
const now = Date.parse('2026-07-01T10:00:00Z')
const date = new Date('2026-07-01T09:00:00Z')

it.each([
  ['7', 7000],
  [' 0 ', 0],
  ['Wed, 01 Jul 2026 09:01:30 GMT', 90_000],
  ['Wed, 01 Jul 2026 08:00:00 GMT', 0],
  ['soon', undefined],
  ['-5', undefined],
  ['1.5', 1500],
  ['1-5', undefined],
  ['3600', HOUR],
  ['3601', HOUR],
  ['Thu, 01 Jul 2027 09:00:00 GMT', HOUR],
  ['', undefined],
  [undefined, undefined],
])('Retry-After %j means %j ms, by the clock of the response', (header, expected) => {
  expect(retryAfterMs(header, { date, now })).toBe(expected)
})

it.each([
  ['a time in Unix seconds', String(date.getTime() / 1000 + 30), 30_000],
  ['a time in Unix seconds with a fraction', `${date.getTime() / 1000 + 30}.5`, 30_500],
  ['a time in Unix milliseconds', String(date.getTime() + 30_000), 30_000],
  ['a time in the past', String(date.getTime() / 1000 - 30), 0],
  ['a time in 2083', '3590000000', HOUR],
  ['a number that no clock has', '99999999999999', HOUR],
  ['a number beyond double precision', '9'.repeat(400), HOUR],
])('reads %s, and never pauses for longer than an hour', (_, header, expected) => {
  expect(retryAfterMs(header, { date, now })).toBe(expected)
})

it('reads a date by the local clock when the response has none', () => {
  expect(retryAfterMs('Wed, 01 Jul 2026 10:00:05 GMT', { date: null, now })).toBe(5000)
})
