import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCronWatch, nextCronTime } from '../../../../src/operations/daemon/cron.ts'
import { sampleSize } from '../../../support/sample-size.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The minutes at which a watch that is checked once a minute detects a time of the expression. */
function dueMinutes(options: {
  expression: string
  timeZone: string
  from: string | number
  days: number
}): Date[] {
  const from = new Date(options.from)
  const watch = createCronWatch({ expression: options.expression, timeZone: options.timeZone, since: from })
  const minutes = Array.from({ length: options.days * 24 * 60 }, (_, n) => new Date(+from + (n + 1) * MINUTE))
  return minutes.filter((minute) => watch.checkDue(minute))
}

describe('a nightly time comes exactly once per night', () => {
  // The wall clock leaps from 02:00 to 03:00 on 29 March 2026, and goes back from 03:00 to 02:00 on 25 October.
  it.each([
    ['not affected by a change', '2026-03-27T12:00Z', '30 1 * * *', ['28T00:30', '29T00:30', '29T23:30']],
    ['skipped in spring', '2026-03-27T12:00Z', '30 2 * * *', ['28T01:30', '29T01:00', '30T00:30']],
    [
      'skipped in spring, at the leap',
      '2026-03-27T12:00Z',
      '0 2 * * *',
      ['28T01:00', '29T01:00', '30T00:00'],
    ],
    ['repeated in autumn', '2026-10-23T12:00Z', '30 2 * * *', ['24T00:30', '25T00:30', '26T01:30']],
    [
      'repeated in autumn, at the leap',
      '2026-10-23T12:00Z',
      '0 2 * * *',
      ['24T00:00', '25T00:00', '26T01:00'],
    ],
  ])('at a time that is %s', (_, from, expression, expected) => {
    const days = dueMinutes({ expression, timeZone: 'Europe/Berlin', from, days: expected.length })
    expect(days.map((date) => date.toISOString().slice(8, 16))).toEqual(expected)
  })

  it('in any time zone, at any time of day, around any change of its clock', () => {
    const zones = fc.constantFrom(
      'UTC',
      'Europe/Rome',
      'America/New_York',
      'America/St_Johns',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'Africa/Casablanca',
    )
    const starts = fc.constantFrom(
      '2026-03-05T12:00Z',
      '2026-03-26T12:00Z',
      '2026-04-02T12:00Z',
      '2026-10-01T12:00Z',
    )
    fc.assert(
      fc.property(
        zones,
        starts,
        fc.nat({ max: 23 }),
        fc.nat({ max: 59 }),
        fc.nat({ max: 30 }),
        (timeZone, start, hour, minute, shift) => {
          const from = +new Date(start) + shift * DAY
          const times = dueMinutes({ expression: `${minute} ${hour} * * *`, timeZone, from, days: 4 })
          const day = new Intl.DateTimeFormat('en-CA', { timeZone })
          const days = times.map((time) => day.format(time))
          expect(new Set(days).size).toBe(days.length)
          // 96 hours contain at least three whole days, and parts of at most five.
          expect(days.length).toBeGreaterThanOrEqual(3)
          expect(days.length).toBeLessThanOrEqual(5)
        },
      ),
      { numRuns: sampleSize(12) },
    )
  })
})

describe('a cron watch', () => {
  const watch = (since: string, expression = '0 2 * * *') =>
    createCronWatch({ expression, timeZone: 'UTC', since: new Date(since) })

  it('detects one time when several passed between two calls', () => {
    const nightlyTimes = watch('2026-06-01T02:00Z')
    expect(nightlyTimes.checkDue(new Date('2026-06-04T12:00Z'))).toBe(true)
    expect(nightlyTimes.checkDue(new Date('2026-06-04T12:01Z'))).toBe(false)
    expect(nightlyTimes.checkDue(new Date('2026-06-05T02:00Z'))).toBe(true)
  })

  it('counts a time at its start as done', () => {
    expect(watch('2026-06-01T02:00:10Z').checkDue(new Date('2026-06-02T01:59:59Z'))).toBe(false)
    expect(watch('2026-06-01T01:59:59Z').checkDue(new Date('2026-06-01T02:00Z'))).toBe(true)
  })

  it('detects a monthly time that was missed for three weeks', () => {
    expect(watch('2026-06-01T00:00Z', '0 2 1 * *').checkDue(new Date('2026-06-22T00:00Z'))).toBe(true)
    expect(watch('2026-06-02T00:00Z', '0 2 1 * *').checkDue(new Date('2026-06-22T00:00Z'))).toBe(false)
  })

  it('continues from the earlier time when an operator sets the clock back', () => {
    const nightlyTimes = watch('2026-06-10T12:00Z')
    expect(nightlyTimes.checkDue(new Date('2026-06-01T01:00Z'))).toBe(false)
    expect(nightlyTimes.checkDue(new Date('2026-06-01T02:00Z'))).toBe(true)
  })
})

it.each([
  ['later today', '0 2 * * *', 'UTC', '2026-06-01T01:59:59Z', '2026-06-01T02:00:00.000Z'],
  ['tomorrow', '0 2 * * *', 'UTC', '2026-06-01T02:00:00Z', '2026-06-02T02:00:00.000Z'],
  [
    'at the leap, when the clock skips it',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T12:00Z',
    '2026-03-29T01:00:00.000Z',
  ],
  ['in three weeks', '0 2 22 * *', 'UTC', '2026-06-01T02:00Z', '2026-06-22T02:00:00.000Z'],
])('the next time of an expression is %s', (_, expression, timeZone, now, next) => {
  expect(nextCronTime({ expression, timeZone, now: new Date(now) })?.toISOString()).toBe(next)
})

it('an expression without a time within 32 days has no next time', () => {
  expect(nextCronTime({ expression: '0 2 1 1 *', timeZone: 'UTC', now: new Date('2026-06-01Z') })).toBeNull()
})
