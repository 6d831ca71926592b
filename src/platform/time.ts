/** A time of the database's clock as UTC text with six digits, `2026-07-01T02:00:00.000000Z`; such times compare as text. */
export type DatabaseTime = string

/**
 * A time for people, to the second in UTC: `2026-07-01 02:00:05Z`. The end of an interval is rounded up, so that the interval
 * still contains the change. The limits of a period and the as-of are not rounded, so that the same report can be made
 * again. A default end has a fraction, and two runs can end within a second.
 */
export function timeText(time: Date | DatabaseTime, rounding: 'down' | 'up' | 'none' = 'down'): string {
  const text = typeof time === 'string' ? time : time.toISOString()
  const whole = `${text.slice(0, 19)}Z`
  const hasFraction = /[1-9]/.test(text.slice(19))
  if (!hasFraction || rounding === 'down') return whole.replace('T', ' ')
  if (rounding === 'none') return text.replace('T', ' ')
  return `${new Date(Date.parse(whole) + 1000).toISOString().slice(0, 19).replace('T', ' ')}Z`
}

/** The canonical name of a time zone, or its offset; undefined for any other text. */
export function timeZoneOf(text: string): string | undefined {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}

/** Returns a function for a time in a time zone, to the second: `2026-07-01 00:00:00`. */
export function localTime(timeZone: string): (time: Date | DatabaseTime) => string {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    ...Object.fromEntries(['month', 'day', 'hour', 'minute', 'second'].map((part) => [part, '2-digit'])),
    year: 'numeric',
  })
  return (time) => {
    const {
      year = '',
      month,
      day,
      hour,
      minute,
      second,
    } = Object.fromEntries(format.formatToParts(new Date(time)).map(({ type, value }) => [type, value]))
    return `${year.padStart(4, '0')}-${month}-${day} ${hour}:${minute}:${second}`
  }
}

/** PostgreSQL refuses zones from 16 hours on. */
const ISO_TIME =
  /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-](?:0\d|1[0-5])(?::?\d{2})?)?)?$/

/**
 * Reads a date (its start), or a date and time, in ISO 8601. Returns it with all its digits, in the form that PostgreSQL
 * reads; undefined for any other text.
 *
 * @param zone The zone of a time without one: UTC, or none, which leaves it without a zone.
 */
export function isoTime(text: string, zone: 'Z' | '' = 'Z'): string | undefined {
  const match = ISO_TIME.exec(text)
  if (!match) return undefined
  const hasZone = match[1] !== undefined
  const isDateOnly = text.length === 10
  // PostgreSQL prints +02, Date wants +02:00.
  const full = text.replace(' ', 'T').replace(/([+-]\d{2})$/, isDateOnly ? '$1' : '$1:00')
  const zoned = isDateOnly || hasZone ? full : `${full}Z`
  if (Number.isNaN(Date.parse(zoned)) || !isDay(text)) return undefined
  if (isDateOnly) return `${text}T00:00:00${zone}`
  return hasZone ? full : `${full}${zone}`
}

/** Refuses a day that does not exist, because Date accepts a year 0, and 31 February as a day in March. */
function isDay(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number]
  return year >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}
