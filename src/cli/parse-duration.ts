import { InvalidArgumentError } from '@commander-js/extra-typings'

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000 } as const

/** Milliseconds of `90s`, `15m` or `2h`, at most a week. */
export function parseDuration(text: string): number {
  const [, digits, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? []
  const milliseconds = Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS]
  if (!(milliseconds <= 7 * 24 * UNIT_MS.h)) {
    throw new InvalidArgumentError('It must be a duration such as 90s, 15m or 2h, at most 168h.')
  }
  return milliseconds
}
