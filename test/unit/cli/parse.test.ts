import { InvalidArgumentError } from '@commander-js/extra-typings'
import { expect, it } from 'vitest'
import {
  parseDuration,
  parseInteger,
  parseLocalTime,
  parseOneHead,
  parsePeriod,
  parseText,
  parseTime,
} from '../../../src/cli/parse.ts'

it.each([
  ['90s', 90_000],
  ['15m', 15 * 60_000],
  ['2h', 2 * 60 * 60_000],
  ['168h', 7 * 24 * 60 * 60_000],
])('the duration %s has %i milliseconds', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds)
})

it.each(['169h', '604801s', '15', 'm', '1.5h', '1d', '-1m', ''])('%j is no duration', (text) => {
  expect(() => parseDuration(text)).toThrow(InvalidArgumentError)
})

it('a second chain head is refused where only one is compared', () => {
  const [one, other] = ['0a', '1b'].map((text) => text.repeat(32)) as [string, string]
  expect(parseOneHead(one.toUpperCase())).toBe(one)
  expect(() => parseOneHead(other, one)).toThrow(InvalidArgumentError)
})

it('a whole number is from the least to the most, and has no other characters', () => {
  const parse = parseInteger(-5, 10)
  expect(['-5', '0', '10'].map(parse)).toEqual([-5, 0, 10])
  for (const wrong of ['-6', '11', '1.5', '1e1', '0x1', ' 1', '', '+1'])
    expect(() => parse(wrong), wrong).toThrow('It must be a whole number from -5 to 10.')
})

it('a text has no blanks around it, and is not blank', () => {
  expect(parseText(' A. Rossi\n')).toBe('A. Rossi')
  expect(() => parseText(' \t')).toThrow(InvalidArgumentError)
})

it('a time without a zone is in UTC, or in the zone that another option gives', () => {
  for (const [text, utc, local] of [
    ['2026-07-01', '2026-07-01T00:00:00Z', '2026-07-01T00:00:00'],
    ['2026-07-01T06:00', '2026-07-01T06:00Z', '2026-07-01T06:00'],
    ['2026-07-01T06:00+02:00', '2026-07-01T06:00+02:00', '2026-07-01T06:00+02:00'],
  ] as const)
    expect([parseTime(text), parseLocalTime(text)]).toEqual([utc, local])
})

it('a period is of its own century', () => {
  expect(parsePeriod('0050')).toEqual({ from: '0050-01-01T00:00:00', to: '0051-01-01T00:00:00' })
})
