import { InvalidArgumentError } from '@commander-js/extra-typings'
import { isoTime } from '../platform/iso-time.ts'

/** ISO 8601 with a zone, from a date (that day's start in UTC) or an ISO 8601 time. */
export function parseTime(text: string): string {
  const time = isoTime(text)
  if (time === undefined) {
    throw new InvalidArgumentError(
      'It must be a date such as 2026-07-01, or a time such as 2026-07-01T06:00Z.',
    )
  }
  return time
}
