import { InvalidArgumentError } from '@commander-js/extra-typings'
import { isBlank } from '../platform/text.ts'
import { isoTime, timeZoneOf } from '../platform/time.ts'

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000 } as const

/** Parses `90s`, `15m` or `2h`, at most a week, to milliseconds. */
export function parseDuration(text: string): number {
  const [, digits, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? []
  const milliseconds = Number(digits) * UNIT_MS[unit as keyof typeof UNIT_MS]
  if (!(milliseconds <= 7 * 24 * UNIT_MS.h)) {
    throw new InvalidArgumentError('It must be a duration such as 90s, 15m or 2h, at most 168h.')
  }
  return milliseconds
}

/** Trims a text, and refuses a blank one. */
export function parseText(text: string): string {
  const trimmed = text.trim()
  if (isBlank(trimmed)) throw new InvalidArgumentError('It must not be blank.')
  return trimmed
}

/** Parses a date (that day's start in UTC) or an ISO 8601 time, to ISO 8601 with a zone. */
export function parseTime(text: string): string {
  const time = isoTime(text)
  if (time === undefined) {
    throw new InvalidArgumentError(
      'It must be a date such as 2026-07-01, or a time such as 2026-07-01T06:00Z.',
    )
  }
  return time
}

/** Parses a date (the start of that day) or an ISO 8601 time, which may lack a zone. */
export function parseLocalTime(text: string): string {
  const time = isoTime(text, '')
  if (time === undefined) {
    throw new InvalidArgumentError(
      'It must be a date such as 2026-07-01, or a time such as 2026-07-01T06:00.',
    )
  }
  return time
}

/** Parses the IANA name of a time zone. PostgreSQL reads an offset such as +02 with the other sign. */
export function parseTimeZone(text: string): string {
  const name = text.trim()
  const zone = /^[A-Za-z]/.test(name) ? timeZoneOf(name) : undefined
  if (zone === undefined)
    throw new InvalidArgumentError('It must be the name of a time zone such as Europe/Rome or UTC.')
  return zone
}

/** Returns a parser of whole numbers. */
export function parseInteger(least: number, most: number) {
  return (text: string): number => {
    const value = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    if (!(value >= least && value <= most)) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
    }
    return value
  }
}

/** Parses the one chain head of an option in hex. */
export function parseOneHead(text: string, former?: string): string {
  if (former !== undefined) throw new InvalidArgumentError('Only one chain head is compared.')
  return parseHead(text)
}

/** Parses a chain head in hex. */
export function parseHead(text: string): string {
  const head = text.trim().toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(head)) throw new InvalidArgumentError('It must be 64 hexadecimal digits.')
  return head
}

const PERIOD = /^(?<year>\d{4})(?:-Q(?<quarter>[1-4])|-(?<month>0[1-9]|1[0-2]))?$/i

/** Parses a year, a quarter or a month: `2026`, `2026-Q3`, `2026-09`. Returns its start, and the start of the next one, without a zone. */
export function parsePeriod(text: string): { readonly from: string; readonly to: string } {
  const { year = '', quarter, month } = PERIOD.exec(text.trim())?.groups ?? {}
  const start = Number(year)
  if (start < 1 || start > 9998)
    throw new InvalidArgumentError('It must be a year, a quarter or a month: 2026, 2026-Q3 or 2026-09.')
  const first = quarter === undefined ? Number(month ?? 1) - 1 : 3 * (Number(quarter) - 1)
  const months = quarter !== undefined ? 3 : month === undefined ? 12 : 1
  return { from: startOfMonth(start, first), to: startOfMonth(start, first + months) }
}

function startOfMonth(year: number, month: number): string {
  const day = new Date(0)
  // Date.UTC takes the years 0 to 99 for those of the last century.
  day.setUTCFullYear(year, month, 1)
  return day.toISOString().slice(0, 19)
}
