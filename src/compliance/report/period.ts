import type { InPeriod, Interval, Period, Report } from './schema.ts'

/** Returns whether a change with this interval happened within the period. Times of six digits compare as text. */
export function inPeriod({ not_before, not_after }: Interval, { from, to }: Period): InPeriod {
  const earliest = not_before ?? ''
  if (earliest >= to || (from !== null && not_after < from)) return 'no'
  return not_after < to && (from === null || earliest >= from) ? 'certainly' : 'possibly'
}

/** The events of a report that may lie in its period, and their decisions. */
export function listedInPeriod({ decisions, events }: Report) {
  const within = events.filter(({ in_period }) => in_period !== 'no')
  const numbers = new Set(within.map(({ decision }) => decision))
  return { events: within, decisions: decisions.filter(({ decision }) => numbers.has(decision)) }
}
