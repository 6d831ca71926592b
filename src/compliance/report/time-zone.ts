import { type DatabaseTime, localTime, timeText } from '../../platform/time.ts'
import type { Period } from './schema.ts'

/** Returns a function for the day of a time in a time zone, `2026-07-01`. */
export function dayIn(timeZone: string): (time: DatabaseTime) => string {
  const local = localTime(timeZone)
  return (time) => local(time).slice(0, 10)
}

/** The period of a report for people, exactly or in minutes, in its time zone. */
export function periodText(period: Period, precision: 'exact' | 'minutes' = 'exact'): string {
  const to = zonedText(period, 'to', precision)
  const limits =
    period.from === null ? `up to ${to}` : `from ${zonedText(period, 'from', precision)} to ${to}`
  return `${limits} (not included)`
}

/** A limit of a period for people, in its time zone; a limit that is absent is the beginning. */
export function zonedText(
  period: Period,
  limit: 'from' | 'to',
  precision: 'exact' | 'minutes' = 'exact',
): string {
  const { [limit]: time, time_zone: zone } = period
  if (time === null) return 'the beginning'
  if (zone === 'UTC' && precision === 'exact') return timeText(time, 'none')
  const text = localTime(zone)(time)
  const fraction = time.slice(19, -1)
  const exact = /[1-9]/.test(fraction) ? `${text}${fraction}` : text
  return `${precision === 'minutes' ? text.slice(0, 16) : exact} ${zone}`
}
