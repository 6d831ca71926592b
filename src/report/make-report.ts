import type { DatabaseTime } from '../database-time.ts'
import { coverageGaps } from './coverage-gaps.ts'
import { explanationOf, notesOfDecisions } from './explain-decisions.ts'
import { compare, type Group, groupDecisions } from './group-decisions.ts'
import { inPeriod } from './in-period.ts'
import type { SeenEvent } from './read-events.ts'
import type { StandingRow } from './read-standing.ts'
import {
  type Decision,
  type ForceEvent,
  type Note,
  type Period,
  REPORT_VERSION,
  type ReportData,
  type ReportHead,
  type Standing,
} from './report.ts'
import type { SealedRun } from './resolve-as-of.ts'
import { STATEMENTS } from './statements.ts'
import { summarizePeriod } from './summarize-period.ts'

/** What history has, up to one position of the chain. */
export interface History {
  readonly asOf: SealedRun
  readonly events: readonly SeenEvent[]
  /** When identifiers were first seen finished that were forced already. */
  readonly foundForced: readonly DatabaseTime[]
  readonly standing: readonly StandingRow[]
  readonly notes: readonly Note[]
  /** Tracked identifiers by file hash, of every file with an event. */
  readonly tracked: ReadonlyMap<string, number>
}

/** The report on one period of a history. */
export function makeReport(media: string, period: Period, history: History): ReportData {
  const groups = groupDecisions(history.events)
  const notes = notesOfDecisions(groups, history.notes)
  const listed = groups.filter((group) => group.events.some((event) => inPeriod(event, period) !== 'no'))
  const decisions = listed.map((group, position) =>
    decisionOf(group, {
      number: position + 1,
      period,
      notes: notes.get(group) ?? [],
      tracked: history.tracked,
    }),
  )
  const events = listed
    .flatMap((group, position) =>
      eventsOf(group, { decision: position + 1, period, tracked: history.tracked }),
    )
    .toSorted(bySight)
  const foundForced = history.foundForced.filter(
    (time) => inPeriod({ not_before: time, not_after: time }, period) === 'certainly',
  )
  return {
    report_version: REPORT_VERSION,
    head: headOf(media, period, history),
    summary: {
      now: standingOf(history.standing),
      period: summarizePeriod(events, decisions, foundForced.length),
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
    readonly tracked: History['tracked']
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
    identifiers: new Set(group.events.map((event) => event.classification_id)).size,
    tracked: group.file_hash === null ? 1 : (options.tracked.get(group.file_hash) ?? 0),
    explanation: explanationOf(group, options.notes[0]),
    explained_by: options.notes[0]?.note_id ?? null,
    notes: options.notes,
  }
}

function eventsOf(
  group: Group,
  options: { readonly decision: number; readonly period: Period; readonly tracked: History['tracked'] },
): ForceEvent[] {
  return group.events.flatMap((event) => {
    const in_period = inPeriod(event, options.period)
    if (in_period === 'no') return []
    const tracked = event.file_hash === null ? 1 : (options.tracked.get(event.file_hash) ?? 1)
    return {
      ...event,
      in_period,
      decision: options.decision,
      force_origin: forceOriginOf(event),
      tracked_siblings: Math.max(0, tracked - 1),
    }
  })
}

/** The documented C2PA path forces to `artificial`, when a file is submitted, and no later. */
export function forceOriginOf({
  event,
  forced_to,
}: Pick<SeenEvent, 'event' | 'forced_to'>): ForceEvent['force_origin'] {
  return forced_to === 'human' || event === 'forced' ? 'not_c2pa_path' : 'undetermined'
}

function bySight(one: ForceEvent, other: ForceEvent): number {
  return (
    compare(one.not_after, other.not_after) ||
    one.classification_id - other.classification_id ||
    one.revision_no - other.revision_no
  )
}

function headOf(media: string, period: Period, { asOf, standing }: History): ReportHead {
  const { row } = asOf
  const counts = {
    tracked: row.tracked_count,
    settled: row.done_count + row.errored_count,
    done: row.done_count,
    errored: row.errored_count,
    pending: row.pending_count,
    missing: row.missing_count,
    quarantined: row.quarantined_count,
    retired: row.retired_count,
    retired_reasons: row.retired_reasons ?? [],
    reanalysing: identifiersOf(standing.filter(({ is_reanalysing }) => is_reanalysing)),
    confirmed_since: row.confirmed_since ?? null,
    unsettled_enqueued_since: row.unsettled_enqueued_since ?? null,
    unsealed_runs: row.unsealed_runs,
  }
  const gaps = coverageGaps(period, row, counts)
  return {
    title: 'Forced classifications',
    media,
    period,
    as_of: {
      run_id: row.run_id,
      finished_at: row.finished_at,
      chain_position: asOf.chain_position,
      chain_head: asOf.chain_head,
      notes_through: row.notes_through,
      first_http_date: row.first_http_date ?? null,
      last_http_date: row.last_http_date ?? null,
    },
    coverage: { is_complete: gaps.length === 0, gaps, ...counts },
    statements: STATEMENTS,
  }
}

function standingOf(rows: readonly StandingRow[]): Standing {
  const machineToForced = new Map<string, Standing['machine_to_forced'][number]>()
  for (const { machine, forced_to, identifiers } of rows) {
    const key = JSON.stringify([machine, forced_to])
    const before = machineToForced.get(key)?.identifiers ?? 0
    machineToForced.set(key, { machine, forced_to, identifiers: before + identifiers })
  }
  const all = [...machineToForced]
    .toSorted(
      ([key, one], [otherKey, other]) => other.identifiers - one.identifiers || compare(key, otherKey),
    )
    .map(([, row]) => row)
  const forced = all.filter(({ forced_to }) => forced_to !== null)
  const [withResult, forcedCount] = [identifiersOf(all), identifiersOf(forced)]
  return {
    with_result: withResult,
    forced: forcedCount,
    forced_share: withResult === 0 ? null : forcedCount / withResult,
    machine_to_forced: forced,
  }
}

function identifiersOf(rows: readonly { readonly identifiers: number }[]): number {
  return rows.reduce((sum, { identifiers }) => sum + identifiers, 0)
}
