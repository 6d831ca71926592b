import type { Interval } from './in-period.ts'
import type { ForceChange } from './read-events.ts'

/** Events of one file and label whose intervals have a moment in common, and that common interval. */
export interface Group extends Interval {
  readonly file_hash: string | null
  readonly forced_to: string | null
  readonly events: readonly ForceChange[]
}

/**
 * Takes events apart by decision: the fewest moments that can have brought them about. By their lower bounds, an event
 * joins the decision before it as long as all of that decision can still have happened at one moment; else it begins
 * another. An event without a file hash is a decision of its own identifier.
 */
export function groupDecisions(events: readonly ForceChange[]): Group[] {
  const files = Map.groupBy(events, (event) =>
    groupName({ file_hash: event.file_hash, forced_to: event.forced_to, events: [event] }),
  )
  return [...files.values()].flatMap(groupsOfFile).toSorted(byTime)
}

/** Groups of one name are about one file and one label; without a file hash, about one identifier. */
export function groupName(group: Pick<Group, 'file_hash' | 'forced_to' | 'events'>): string {
  return JSON.stringify([group.file_hash ?? group.events[0]?.classification_id ?? null, group.forced_to])
}

function groupsOfFile(events: readonly ForceChange[]): Group[] {
  const groups: (Interval & { events: ForceChange[] })[] = []
  for (const event of events.toSorted(byLowerBound)) {
    const group = groups.at(-1)
    if (group && (event.not_before ?? '') < group.not_after) {
      group.events.push(event)
      Object.assign(group, common(group, event))
    } else {
      groups.push({ not_before: event.not_before, not_after: event.not_after, events: [event] })
    }
  }
  const { file_hash, forced_to } = events[0] as ForceChange
  return groups.map((group) => ({ ...group, file_hash, forced_to }))
}

function common(one: Interval, other: Interval): Interval {
  return {
    not_before: (one.not_before ?? '') > (other.not_before ?? '') ? one.not_before : other.not_before,
    not_after: one.not_after < other.not_after ? one.not_after : other.not_after,
  }
}

function byLowerBound(one: ForceChange, other: ForceChange): number {
  return (
    compare(one.not_before ?? '', other.not_before ?? '') ||
    compare(one.not_after, other.not_after) ||
    one.classification_id - other.classification_id ||
    one.revision_no - other.revision_no
  )
}

function byTime(one: Group, other: Group): number {
  return (
    compare(one.not_before ?? '', other.not_before ?? '') ||
    compare(one.not_after, other.not_after) ||
    compare(one.file_hash ?? '', other.file_hash ?? '') ||
    compare(one.forced_to ?? '', other.forced_to ?? '') ||
    byLowerBound(one.events[0] as ForceChange, other.events[0] as ForceChange)
  )
}

/** By code units: no order that depends on a language, so that every machine makes the same report. */
export function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
