import type { DatabaseTime } from '../../platform/time.ts'
import type { Explanation, ForceChange, Interval, Note } from './schema.ts'

/** Days after which a note is late. */
const LATE_AFTER_DAYS = 7

/** Events of one file and label whose intervals have a moment in common, and that common interval. */
export interface Group extends Interval {
  readonly file_hash: string | null
  readonly forced_to: string | null
  readonly events: readonly ForceChange[]
}

/**
 * Groups events by decision: the fewest moments that can have caused them. Takes events in the order of their lower
 * bounds. An event joins the decision before it while all of that can have happened at one moment; otherwise it begins
 * another. An event without a file hash is a decision on its own identifier.
 */
export function groupDecisions(events: readonly ForceChange[]): Group[] {
  const files = Map.groupBy(events, (event) =>
    nameOf(event.file_hash ?? event.classification_id, event.forced_to),
  )
  return [...files.values()].flatMap(groupsOfFile).toSorted(byTime)
}

/** Groups with the same name are about one file and one label; without a file hash, about one identifier. */
export function groupName({ file_hash, forced_to, events }: Omit<Group, keyof Interval>): string {
  return nameOf(file_hash ?? events[0]?.classification_id ?? null, forced_to)
}

/**
 * The notes of each decision, oldest first. A note counts for the latest decision of its file and label that may have
 * happened before it was written. A note that is older than all of them explains none. A correction belongs to the note that
 * it corrects.
 *
 * @param groups In the order of time.
 * @param notes By note_id.
 */
export function notesOfDecisions(groups: readonly Group[], notes: readonly Note[]): Map<Group, Note[]> {
  const decisions = Map.groupBy(groups, groupName)
  const explained = new Map<Group, Note[]>(groups.map((group) => [group, []]))
  const groupOf = new Map<number, Group>()
  for (const note of notes) {
    const group =
      note.corrects === null
        ? decisions
            .get(nameOf(note.file_hash, note.forced_to === 'none' ? null : note.forced_to))
            ?.findLast(({ not_before }) => (not_before ?? '') <= note.noted_at)
        : groupOf.get(note.corrects)
    if (!group) continue
    groupOf.set(note.note_id, group)
    explained.get(group)?.push(note)
  }
  return explained
}

/** The notes that count: for each first note its latest correction, if it has one, and the number of its corrections. */
export function currentNotes(notes: readonly Note[]): (Note & { readonly corrections: number })[] {
  const versions = Map.groupBy(notes, ({ note_id, corrects }) => corrects ?? note_id)
  return [...versions.values()].map((of) => ({ ...(of.at(-1) as Note), corrections: of.length - 1 }))
}

/** How the first note of a decision explains it. */
export function explanationOf({ not_after }: Interval, first: Note | undefined): Explanation {
  if (!first) return 'unexplained'
  return first.noted_at > addDays(not_after, LATE_AFTER_DAYS) ? 'explained_late' : 'explained'
}

/** Orders by code unit and not by a language, so that every machine makes the same report. */
export function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}

function nameOf(file: string | number | null, forcedTo: string | null): string {
  return JSON.stringify([file, forcedTo])
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
  return byInterval(one, other) || byKey(one, other)
}

/** Orders the revisions of events by their primary key. */
export function byKey(one: ForceChange, other: ForceChange): number {
  return one.classification_id - other.classification_id || one.revision_no - other.revision_no
}

function byTime(one: Group, other: Group): number {
  return (
    byInterval(one, other) ||
    compare(one.file_hash ?? '', other.file_hash ?? '') ||
    compare(one.forced_to ?? '', other.forced_to ?? '') ||
    byLowerBound(one.events[0] as ForceChange, other.events[0] as ForceChange)
  )
}

function byInterval(one: Interval, other: Interval): number {
  return compare(one.not_before ?? '', other.not_before ?? '') || compare(one.not_after, other.not_after)
}

/** The same time of day, in UTC, some days later; its microseconds stay. */
function addDays(time: DatabaseTime, days: number): DatabaseTime {
  const [day = '', timeOfDay = ''] = time.split('T')
  const later = new Date(`${day}T00:00:00Z`)
  later.setUTCDate(later.getUTCDate() + days)
  return `${later.toISOString().slice(0, 10)}T${timeOfDay}`
}
