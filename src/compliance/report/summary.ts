import type { DatabaseTime } from '../../platform/time.ts'
import { compare } from './decisions.ts'
import {
  type Decision,
  type Explanation,
  EXPLANATIONS,
  type ForcedNow,
  type ForceEvent,
  type PeriodSummary,
} from './schema.ts'
import { dayIn } from './time-zone.ts'

/** Least machine confidence that `against_machine_confidence_090` counts. */
const CONFIDENT = 0.9

/** Counts the events and decisions of a report, without those that it lists from outside the period. */
export function summarizePeriod(
  listed: readonly ForceEvent[],
  decisions: readonly Decision[],
  alreadyForced: number,
  timeZone: string,
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
    ...countByExplanation(within),
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
    by_week: countByWeek(events, within, dayIn(timeZone)),
  }
}

/** The share of forced identifiers, from how many identifiers have each machine label and each forced label. */
export function summarizeNow(rows: ForcedNow['machine_to_forced']): ForcedNow {
  const forced = rows
    .filter(({ forced_to }) => forced_to !== null)
    .toSorted(
      (one, other) =>
        other.identifiers - one.identifiers || compare(JSON.stringify(one), JSON.stringify(other)),
    )
  const [withResult, forcedCount] = [identifiersOf(rows), identifiersOf(forced)]
  return {
    with_result: withResult,
    forced: forcedCount,
    forced_share: withResult === 0 ? null : forcedCount / withResult,
    machine_to_forced: forced,
  }
}

/** Returns whether the forced label differs from the machine's: never without a machine label, or a forced one. */
export function isAgainstMachine({ forced_to, machine_classification_after }: ForceEvent): boolean {
  return (
    forced_to !== null && machine_classification_after !== null && forced_to !== machine_classification_after
  )
}

function identifiersOf(rows: ForcedNow['machine_to_forced']): number {
  return rows.reduce((sum, { identifiers }) => sum + identifiers, 0)
}

function countOf<T>(list: readonly T[], isCounted: (element: T) => boolean): number {
  return list.filter(isCounted).length
}

function countByExplanation(decisions: readonly Decision[]) {
  const counts = EXPLANATIONS.map((kind) => [kind, countOf(decisions, (one) => one.explanation === kind)])
  return Object.fromEntries(counts) as { readonly [Kind in Explanation]: number }
}

/** Counts events by group: the most frequent first, then by the text of the group; null last. */
export function countBy<Of extends Record<string, string | null>>(
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
  dayOf: (time: DatabaseTime) => string,
): PeriodSummary['by_week'] {
  const eventsOf = Map.groupBy(events, ({ not_after }) => weekOf(dayOf(not_after)))
  const decisionsOf = Map.groupBy(decisions, ({ not_after }) => weekOf(dayOf(not_after)))
  const counted = [...eventsOf.keys(), ...decisionsOf.keys()].toSorted()
  return weeksBetween(counted[0], counted.at(-1)).map((week) => ({
    week,
    events: eventsOf.get(week)?.length ?? 0,
    decisions: decisionsOf.get(week)?.length ?? 0,
  }))
}

const WEEK_MS = 7 * 24 * 3_600_000

function weeksBetween(first = '', last = ''): string[] {
  const weeks = []
  for (let time = Date.parse(first); time <= Date.parse(last); time += WEEK_MS) {
    weeks.push(new Date(time).toISOString().slice(0, 10))
  }
  return weeks
}

/** The Monday of the week of a day. */
function weekOf(day: string): string {
  const monday = new Date(`${day}T00:00:00Z`)
  monday.setUTCDate(monday.getUTCDate() - ((monday.getUTCDay() + 6) % 7))
  return monday.toISOString().slice(0, 10)
}
