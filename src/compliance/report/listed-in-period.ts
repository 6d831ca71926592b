import type { Decision, ForceEvent, Report } from './report.ts'

/** What a report lists of its period: the events that may lie in it, and their decisions. */
export function listedInPeriod({ decisions, events }: Pick<Report, 'decisions' | 'events'>): {
  readonly decisions: Decision[]
  readonly events: ForceEvent[]
} {
  const within = events.filter(({ in_period }) => in_period !== 'no')
  const numbers = new Set(within.map(({ decision }) => decision))
  return { events: within, decisions: decisions.filter(({ decision }) => numbers.has(decision)) }
}
