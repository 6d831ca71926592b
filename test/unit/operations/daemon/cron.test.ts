import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { watchSlots } from '../../src/operations/daemon/slot-watch.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The instants at which a watch that looks once a minute notices a time of the schedule. */
function noticed(options: {
  expression: string
  timeZone: string
  from: string | number
  days: number
}): Date[] {
  const from = new Date(options.from)
  const watch = watchSlots({ expression: options.expression, timeZone: options.timeZone, since: from })
  const minutes = Array.from({ length: options.days * 24 * 60 }, (_, n) => new Date(+from + (n + 1) * MINUTE))
  return minutes.filter((minute) => watch.hasCome(minute))
}

describe('a nightly pass comes exactly once in every night', () => {
  // The clock on the wall leaps from 02:00 to 03:00 on 29 March 2026, and back from 03:00 to 02:00 on 25 October.
  it.each([
    ['shown by the clock', '2026-03-27T12:00Z', '30 1 * * *', ['28T00:30', '29T00:30', '29T23:30']],
    ['left out in spring', '2026-03-27T12:00Z', '30 2 * * *', ['28T01:30', '29T01:00', '30T00:30']],
    [
      'left out in spring, at the leap',
      '2026-03-27T12:00Z',
      '0 2 * * *',
      ['28T01:00', '29T01:00', '30T00:00'],
    ],
    ['shown twice in autumn', '2026-10-23T12:00Z', '30 2 * * *', ['24T00:30', '25T00:30', '26T01:30']],
    [
      'shown twice in autumn, at the leap',
      '2026-10-23T12:00Z',
      '0 2 * * *',
      ['24T00:00', '25T00:00', '26T01:00'],
    ],
  ])('at a time that is %s', (_, from, expression, expected) => {
    const days = noticed({ expression, timeZone: 'Europe/Berlin', from, days: expected.length })
    expect(days.map((date) => date.toISOString().slice(8, 16))).toEqual(expected)
  })

  it('in any time zone, at any time, around any change of its clock', () => {
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
          const times = noticed({ expression: `${minute} ${hour} * * *`, timeZone, from, days: 4 })
          const day = new Intl.DateTimeFormat('en-CA', { timeZone })
          const days = times.map((time) => day.format(time))
          expect(new Set(days).size).toBe(days.length)
          // Four times twenty-four hours hold three whole days at least, and five begun ones at most.
          expect(days.length).toBeGreaterThanOrEqual(3)
          expect(days.length).toBeLessThanOrEqual(5)
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('a watch', () => {
  const watch = (since: string, expression = '0 2 * * *') =>
    watchSlots({ expression, timeZone: 'UTC', since: new Date(since) })

  it('notices once what came while nobody looked, however often it came', () => {
    const nightlyTimes = watch('2026-06-01T02:00Z')
    expect(nightlyTimes.hasCome(new Date('2026-06-04T12:00Z'))).toBe(true)
    expect(nightlyTimes.hasCome(new Date('2026-06-04T12:01Z'))).toBe(false)
    expect(nightlyTimes.hasCome(new Date('2026-06-05T02:00Z'))).toBe(true)
  })

  it('counts what came at its beginning as done', () => {
    expect(watch('2026-06-01T02:00:10Z').hasCome(new Date('2026-06-02T01:59:59Z'))).toBe(false)
    expect(watch('2026-06-01T01:59:59Z').hasCome(new Date('2026-06-01T02:00Z'))).toBe(true)
  })

  it('notices a monthly time that was missed for three weeks', () => {
    expect(watch('2026-06-01T00:00Z', '0 2 1 * *').hasCome(new Date('2026-06-22T00:00Z'))).toBe(true)
    expect(watch('2026-06-02T00:00Z', '0 2 1 * *').hasCome(new Date('2026-06-22T00:00Z'))).toBe(false)
  })

  it('goes on from there when somebody sets the clock back', () => {
    const nightlyTimes = watch('2026-06-10T12:00Z')
    expect(nightlyTimes.hasCome(new Date('2026-06-01T01:00Z'))).toBe(false)
    expect(nightlyTimes.hasCome(new Date('2026-06-01T02:00Z'))).toBe(true)
  })
})
