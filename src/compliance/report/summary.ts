import { compare } from './group-decisions.ts'
import type { Decision, ForceEvent, PeriodSummary } from './report.ts'

/** What "confident" means in `against_machine_confidence_090`. */
const CONFIDENT = 0.9

/** Counts what a report lists, but for what it lists outside the period. */
export function summarizePeriod(
  listed: readonly ForceEvent[],
  decisions: readonly Decision[],
  alreadyForced: number,
): PeriodSummary {
  const events = listed.filter((event) => event.in_period !== 'no')
  const within = decisions.filter((decision) => decision.in_period !== 'no')
  const against = events.filter(isAgainstMachine)
  return {
    events: events.length,
    events_certainly: countOf(events, (event) => event.in_period === 'certainly'),
    events_possibly: countOf(events, (event) => event.in_period === 'possibly'),
    identifiers: new Set(events.map((event) => event.classification_id)).size,
    decisions: within.length,
    decisions_certainly: countOf(within, (decision) => decision.in_period === 'certainly'),
    decisions_possibly: countOf(within, (decision) => decision.in_period === 'possibly'),
    already_forced: alreadyForced,
    explained: countOf(within, (decision) => decision.explanation === 'explained'),
    explained_late: countOf(within, (decision) => decision.explanation === 'explained_late'),
    unexplained: countOf(within, (decision) => decision.explanation === 'unexplained'),
    machine_to_forced: countBy(events, ({ machine_classification_after, forced_to }) => ({
      machine: machine_classification_after,
      forced_to,
    })),
    against_machine: against.length,
    against_machine_confidence_090: countOf(
      against,
      (event) => (event.machine_confidence_after ?? 0) >= CONFIDENT,
    ),
    by_heuristic: countBy(events, ({ machine_heuristic_after }) => ({ heuristic: machine_heuristic_after })),
    by_source: countBy(events, ({ source }) => ({ source })),
    by_week: countByWeek(events, within),
  }
}

/** A force to another label than the machine's; not where the machine has none, or where a force was taken away. */
export function isAgainstMachine(event: ForceEvent): boolean {
  const { forced_to, machine_classification_after } = event
  return (
    forced_to !== null && machine_classification_after !== null && forced_to !== machine_classification_after
  )
}

function countOf<T>(list: readonly T[], isCounted: (element: T) => boolean): number {
  return list.filter(isCounted).length
}

/** The most frequent first, then by what it is of; null last. */
function countBy<Of extends Record<string, string | null>>(
  events: readonly ForceEvent[],
  of: (event: ForceEvent) => Of,
): (Of & { events: number })[] {
  const groups = [...Map.groupBy(events, (event) => JSON.stringify(Object.values(of(event))))]
  return groups
    .toSorted(([name, members], [other, others]) => others.length - members.length || compare(name, other))
    .map(([, members]) => ({ ...of(members[0] as ForceEvent), events: members.length }))
}

function countByWeek(
  events: readonly ForceEvent[],
  decisions: readonly Decision[],
): PeriodSummary['by_week'] {
  const eventsOf = Map.groupBy(events, ({ not_after }) => weekOf(not_after))
  const decisionsOf = Map.groupBy(decisions, ({ not_after }) => weekOf(not_after))
  const seen = [...eventsOf.keys(), ...decisionsOf.keys()].toSorted()
  return weeksBetween(seen[0], seen.at(-1)).map((week) => ({
    week,
    events: eventsOf.get(week)?.length ?? 0,
    decisions: decisionsOf.get(week)?.length ?? 0,
  }))
}

function weeksBetween(first: string | undefined, last = ''): string[] {
  const weeks = []
  // The text of a day after the year 9999 is longer, and compares otherwise.
  for (let week = first ?? '~'; week <= last && week.length === last.length; week = nextWeek(week)) {
    weeks.push(week)
  }
  return weeks
}

/** The Monday of a time's week, in UTC. */
function weekOf(time: string): string {
  const day = new Date(`${time.slice(0, 10)}T00:00:00Z`)
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7))
  return day.toISOString().slice(0, 10)
}

function nextWeek(week: string): string {
  const day = new Date(`${week}T00:00:00Z`)
  day.setUTCDate(day.getUTCDate() + 7)
  return day.toISOString().slice(0, 10)
}
