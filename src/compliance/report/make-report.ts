import { coverageGaps } from './coverage-gaps.ts'
import { explanationOf, notesOfDecisions } from './explain-decisions.ts'
import { compare, type Group, groupDecisions, groupName } from './group-decisions.ts'
import { inPeriod } from './in-period.ts'
import type { ForceChange } from './read-events.ts'
import {
  type AsOf,
  type Coverage,
  type Decision,
  type ForceEvent,
  type Note,
  type Period,
  REPORT_VERSION,
  type ReportData,
  type ForcedNow,
} from './report.ts'
import { STATEMENTS } from './statements.ts'
import { summarizePeriod } from './summarize-period.ts'

/** What a report is made of: what was sealed up to one position of the chain. */
export interface Facts {
  readonly asOf: AsOf
  readonly coverage: Omit<Coverage, 'is_complete' | 'gaps'>
  readonly events: readonly ForceChange[]
  readonly notes: readonly Note[]
  readonly counts: Counts
}

/** What is counted over all identifiers, and so cannot be made anew from the events. */
export interface Counts {
  readonly now: ForcedNow
  /** First finished answers within the period that were forced already. */
  readonly alreadyForced: number
  /** Tracked identifiers of a file. */
  tracked(fileHash: string): number
  /** Other tracked identifiers of the file of an event. */
  sameFile(event: ForceChange): number
}

/**
 * The report on one period. Of the files and labels that were forced in it, it has what lies outside, too: that decides how
 * decisions are told apart, and which note counts for which.
 */
export function makeReport(media: string, period: Period, facts: Facts): ReportData {
  const groups = groupDecisions(facts.events)
  const isTouched = (event: ForceChange) => inPeriod(event, period) !== 'no'
  const touched = new Set(groups.filter(({ events }) => events.some(isTouched)).map(groupName))
  const listed = groups.filter((group) => touched.has(groupName(group)))
  const notes = notesOfDecisions(listed, facts.notes)
  const decisions = listed.map((group, position) =>
    decisionOf(group, { number: position + 1, period, notes: notes.get(group) ?? [], counts: facts.counts }),
  )
  const events = listed
    .flatMap((group, position) =>
      group.events.map((event) => eventOf(event, { decision: position + 1, period, counts: facts.counts })),
    )
    .toSorted(byTimeObserved)
  const gaps = coverageGaps(period, facts.asOf, facts.coverage)
  return {
    report_version: REPORT_VERSION,
    head: {
      title: 'Forced classifications',
      media,
      period,
      as_of: facts.asOf,
      coverage: { is_complete: gaps.length === 0, gaps, ...facts.coverage },
      statements: STATEMENTS,
    },
    summary: {
      now: facts.counts.now,
      period: summarizePeriod(events, decisions, facts.counts.alreadyForced),
    },
    decisions,
    events,
  }
}

function decisionOf(
  group: Group,
  options: {
    readonly number: number
    readonly period: Period
    readonly notes: readonly Note[]
    readonly counts: Counts
  },
): Decision {
  const before = new Set(group.events.map((event) => event.forced_from))
  const [forcedFrom] = before
  return {
    decision: options.number,
    in_period: inPeriod(group, options.period),
    file_hash: group.file_hash,
    forced_from: before.size === 1 ? (forcedFrom ?? null) : null,
    forced_from_differs: before.size > 1,
    forced_to: group.forced_to,
    not_before: group.not_before,
    not_after: group.not_after,
    identifiers: group.events.length,
    tracked: group.file_hash === null ? 1 : options.counts.tracked(group.file_hash),
    explanation: explanationOf(group, options.notes[0]),
    explained_by: options.notes[0]?.note_id ?? null,
    notes: options.notes,
  }
}

function eventOf(
  event: ForceChange,
  options: { readonly decision: number; readonly period: Period; readonly counts: Counts },
): ForceEvent {
  return {
    ...event,
    in_period: inPeriod(event, options.period),
    decision: options.decision,
    force_origin: forceOriginOf(event),
    same_file_identifiers: options.counts.sameFile(event),
  }
}

/** The documented C2PA path forces to `artificial`, when a file is submitted, and no later. */
function forceOriginOf({ event, forced_to }: ForceChange): ForceEvent['force_origin'] {
  return forced_to === 'human' || event === 'forced' ? 'not_c2pa_path' : 'undetermined'
}

function byTimeObserved(one: ForceEvent, other: ForceEvent): number {
  return (
    compare(one.not_after, other.not_after) ||
    one.classification_id - other.classification_id ||
    one.revision_no - other.revision_no
  )
}
