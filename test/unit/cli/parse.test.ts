import { InvalidArgumentError } from '@commander-js/extra-typings'
import { expect, it } from 'vitest'
import { parseDuration, parseOneHead } from '../../../src/cli/parse.ts'

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
