import { describe, expect, it } from 'vitest'
import { timeText } from '../../../src/platform/time.ts'

describe('a time for people', () => {
  it.each([
    ['an exact second', '2026-07-01T02:00:05.000000Z', '2026-07-01 02:00:05Z', '2026-07-01 02:00:05Z'],
    ['a fraction', '2026-07-01T02:00:05.500000Z', '2026-07-01 02:00:05Z', '2026-07-01 02:00:06Z'],
    ['a microsecond', '2026-07-01T02:00:05.000001Z', '2026-07-01 02:00:05Z', '2026-07-01 02:00:06Z'],
    ['almost a second', '2026-07-01T02:00:05.999999Z', '2026-07-01 02:00:05Z', '2026-07-01 02:00:06Z'],
    ['the end of a year', '2026-12-31T23:59:59.000001Z', '2026-12-31 23:59:59Z', '2027-01-01 00:00:00Z'],
    ['a leap day', '2028-02-28T23:59:59.100000Z', '2028-02-28 23:59:59Z', '2028-02-29 00:00:00Z'],
  ])('is rounded down to the second by default, and up on request: %s', (_, time, down, up) => {
    expect(timeText(time)).toBe(down)
    expect(timeText(time, 'down')).toBe(down)
    expect(timeText(time, 'up')).toBe(up)
  })

  it('can be a Date, with milliseconds', () => {
    expect(timeText(new Date('2026-12-31T23:59:59.001Z'))).toBe('2026-12-31 23:59:59Z')
    expect(timeText(new Date('2026-12-31T23:59:59.001Z'), 'up')).toBe('2027-01-01 00:00:00Z')
    expect(timeText(new Date('2026-12-31T23:59:59.000Z'), 'up')).toBe('2026-12-31 23:59:59Z')
  })
})
