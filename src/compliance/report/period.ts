import type { DatabaseTime } from '../../platform/database-time.ts'
import type { InPeriod, Period } from './report.ts'

/** Between two looks: it happened at `not_before` or later (null: any time), and not after `not_after`. */
export interface Interval {
  readonly not_before: DatabaseTime | null
  readonly not_after: DatabaseTime
}

/** Whether something with this interval happened within the period. Times of six digits compare as text. */
export function inPeriod({ not_before, not_after }: Interval, { from, to }: Period): InPeriod {
  const earliest = not_before ?? ''
  if (earliest >= to || (from !== null && not_after < from)) return 'no'
  return not_after < to && (from === null || earliest >= from) ? 'certainly' : 'possibly'
}
