import type { DatabaseTime } from '../../platform/time.ts'
import type { Interval } from './in-period.ts'
import type { Group } from './group-decisions.ts'
import type { Explanation, Note } from './report.ts'

/** Days after which a note is late. */
const LATE_AFTER_DAYS = 7

/**
 * The notes of each decision, oldest first. A note counts for the latest decision of its file and label that may have
 * happened before it was written; one that is older than all of them explains none.
 *
 * @param groups In the order of time.
 * @param notes By note_id.
 */
export function notesOfDecisions(groups: readonly Group[], notes: readonly Note[]): Map<Group, Note[]> {
  const decisions = Map.groupBy(groups, (group) => key(group.file_hash, group.forced_to ?? 'none'))
  const explained = new Map<Group, Note[]>(groups.map((group) => [group, []]))
  for (const note of notes) {
    const group = decisions
      .get(key(note.file_hash, note.forced_to))
      ?.findLast(({ not_before }) => (not_before ?? '') <= note.noted_at)
    if (group) explained.get(group)?.push(note)
  }
  return explained
}

export function explanationOf({ not_after }: Interval, first: Note | undefined): Explanation {
  if (!first) return 'unexplained'
  return first.noted_at > addDays(not_after, LATE_AFTER_DAYS) ? 'explained_late' : 'explained'
}

/** The same time of day, in UTC, some days later; its microseconds stay. */
function addDays(time: DatabaseTime, days: number): DatabaseTime {
  const [day = '', timeOfDay = ''] = time.split('T')
  const later = new Date(`${day}T00:00:00Z`)
  later.setUTCDate(later.getUTCDate() + days)
  return `${later.toISOString().slice(0, 10)}T${timeOfDay}`
}

function key(fileHash: string | null, forcedTo: string): string {
  return JSON.stringify([fileHash, forcedTo])
}
