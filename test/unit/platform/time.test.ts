import { describe, expect, it } from 'vitest'
import { isoTime, timeText, timeZoneOf } from '../../../src/platform/time.ts'

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

it('keeps all digits of a time that is not rounded', () => {
  expect(timeText('2026-07-01T02:00:05.000100Z', 'none')).toBe('2026-07-01 02:00:05.000100Z')
  expect(timeText('2026-07-01T02:00:05.000000Z', 'none')).toBe('2026-07-01 02:00:05Z')
})

it('knows a time zone by its name, in any case, or by its offset', () => {
  expect(timeZoneOf('europe/rome')).toBe('Europe/Rome')
  expect(timeZoneOf('+02:00')).toBe('+02:00')
  expect(timeZoneOf('Mars/Olympus')).toBeUndefined()
  expect(timeZoneOf('')).toBeUndefined()
})

describe('a time in ISO 8601', () => {
  it.each([
    ['2026-07-01', '2026-07-01T00:00:00Z'],
    ['2026-07-01T02:03', '2026-07-01T02:03Z'],
    ['2026-07-01 02:03:04', '2026-07-01T02:03:04Z'],
    ['2026-07-01 02:03:04.123456', '2026-07-01T02:03:04.123456Z'],
    ['2026-07-01 02:03:04Z', '2026-07-01T02:03:04Z'],
    ['2026-07-01 02:03:04.5+02', '2026-07-01T02:03:04.5+02:00'],
    ['2026-07-01T02:03-1530', '2026-07-01T02:03-1530'],
    ['2026-07-01T02:03+15:59', '2026-07-01T02:03+15:59'],
    ['2028-02-29', '2028-02-29T00:00:00Z'],
    ['0001-01-01', '0001-01-01T00:00:00Z'],
  ])('can be %s', (text, time) => {
    expect(isoTime(text)).toBe(time)
  })

  it('stays without a zone on request', () => {
    expect(isoTime('2026-07-01', '')).toBe('2026-07-01T00:00:00')
    expect(isoTime('2026-07-01 02:03', '')).toBe('2026-07-01T02:03')
    expect(isoTime('2026-07-01 02:03Z', '')).toBe('2026-07-01T02:03Z')
  })

  it.each([
    '',
    'yesterday',
    '2026-7-1',
    '2026-07-01T',
    '2026-07-01T02',
    '2026-07-01T02:03:04.',
    '2026-07-01T02:03:04,5',
    '2026-07-01T02:03:04+16',
    '2026-07-01T02:03:04+2',
    '2026-07-01T25:00',
    '2026-13-01',
    '2026-02-29',
    '2026-04-31',
    '2026-04-00',
    '0000-01-01',
    '12026-07-01',
    ' 2026-07-01',
    '2026-07-01 ',
  ])('cannot be %j', (text) => {
    expect(isoTime(text)).toBeUndefined()
  })
})
