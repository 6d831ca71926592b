import { compare } from './group-decisions.ts'
import type { Decision, ForceEvent, MachineToForced, PeriodSummary } from './report.ts'

/** What "confident" means in `against_machine_confidence_090`. */
const CONFIDENT = 0.9

/** Counts what a report lists, but for what it lists outside the period. */
export function summarizePeriod(
  listed: readonly ForceEvent[],
  decisions: readonly Decision[],
  foundForced: number,
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
    found_forced: foundForced,
    explained: countOf(within, (decision) => decision.explanation === 'explained'),
    explained_late: countOf(within, (decision) => decision.explanation === 'explained_late'),
    unexplained: countOf(within, (decision) => decision.explanation === 'unexplained'),
    machine_to_forced: machineToForced(events),
    against_machine: against.length,
    against_machine_confidence_090: countOf(
      against,
      (event) => (event.machine_confidence_after ?? 0) >= CONFIDENT,
    ),
    overridden_confidence: confidences(against),
    by_heuristic: countBy(events, (event) => event.machine_heuristic_after).map(([heuristic, n]) => ({
      heuristic,
      events: n,
    })),
    by_source: countBy(events, (event) => event.source).map(([source, n]) => ({ source, events: n })),
    by_week: countByWeek(events, within),
  }
}

/** A force to another label than the machine's; not where the machine has none, or where a force was taken away. */
function isAgainstMachine(event: ForceEvent): boolean {
  const { forced_to, machine_classification_after } = event
  return (
    forced_to !== null && machine_classification_after !== null && forced_to !== machine_classification_after
  )
}

function countOf<T>(list: readonly T[], isCounted: (element: T) => boolean): number {
  return list.filter(isCounted).length
}

/** The most frequent first, then by name; null last among equals. */
function countBy<T>(list: readonly T[], of: (element: T) => string | null): [string | null, number][] {
  const groups = [...Map.groupBy(list, of)].map(([name, members]): [string | null, number] => [
    name,
    members.length,
  ])
  return groups.toSorted(
    ([name, n], [other, m]) =>
      m - n || Number(name === null) - Number(other === null) || compare(name ?? '', other ?? ''),
  )
}

function machineToForced(events: readonly ForceEvent[]): MachineToForced<'events'>[] {
  return countBy(events, (event) =>
    JSON.stringify([event.machine_classification_after, event.forced_to]),
  ).map(([pair, n]) => {
    const [machine, forced_to] = JSON.parse(pair ?? '') as [string | null, string | null]
    return { machine, forced_to, events: n }
  })
}

function confidences(events: readonly ForceEvent[]): PeriodSummary['overridden_confidence'] {
  return Array.from({ length: 10 }, (_, step) => ({
    from: step / 10,
    to: (step + 1) / 10,
    events: countOf(
      events,
      ({ machine_confidence_after: confidence }) => confidence !== null && stepOf(confidence) === step,
    ),
  }))
}

/** No bound of a confidence is documented: what lies outside counts in the first or the last step. */
function stepOf(confidence: number): number {
  return Math.min(Math.max(Math.floor(confidence * 10 + 1e-9), 0), 9)
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
