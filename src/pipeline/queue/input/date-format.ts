import { isoTime } from '../../../platform/time.ts'

/** Forms of a date that are read only on request, because day and month can be mistaken for each other. */
export const DATE_FORMATS = ['DD.MM.YYYY', 'DD/MM/YYYY', 'MM/DD/YYYY'] as const
export type DateFormat = (typeof DATE_FORMATS)[number]

const DATE = /^(\d{1,2})([./])(\d{1,2})\2(\d{4})(?: (\d{1,2})(:\d{2}(?::\d{2})?))?$/

/**
 * Reads ISO 8601, or a date in this format with an optional time of day (`10:15` or `10:15:30`) in UTC. Returns a text
 * for PostgreSQL, or undefined.
 */
export function readTime(text: string, format: DateFormat | undefined): string | undefined {
  const [, first = '', separator, second = '', year, hour = '00', rest = ':00'] = DATE.exec(text) ?? []
  if (format === undefined || separator !== format[2]) return isoTime(text)
  const [day, month] = format.startsWith('DD') ? [first, second] : [second, first]
  return isoTime(`${year}-${twoDigits(month)}-${twoDigits(day)}T${twoDigits(hour)}${rest}`)
}

function twoDigits(digits: string): string {
  return digits.padStart(2, '0')
}
