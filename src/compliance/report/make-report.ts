import { createHash } from 'node:crypto'
import { canonicalJson } from '../../platform/canonical-json.ts'
import type { Json } from '../../platform/json.ts'
import { coverageGaps } from './coverage-gaps.ts'
import { byKey, compare, explanationOf, groupDecisions, groupName, notesOfDecisions } from './decisions.ts'
import { inPeriod } from './period.ts'
import type {
  AsOf,
  Coverage,
  ForceChange,
  ForcedNow,
  ForceEvent,
  Note,
  Period,
  ReportData,
} from './schema.ts'
import { REPORT_VERSION } from './schema.ts'
import { STATEMENTS } from './statements.ts'
import { summarizePeriod } from './summary.ts'

/** The facts that a report follows from: everything that was sealed up to one position of the chain. */
export interface Facts {
  readonly asOf: AsOf
  readonly coverage: Omit<Coverage, 'is_complete' | 'gaps'>
  readonly events: readonly ForceChange[]
  readonly notes: readonly Note[]
  readonly counts: Counts
}

/** Figures that are counted over all identifiers, so that they do not follow from the events. */
export interface Counts {
  readonly now: ForcedNow
  /** First finished records within the period that were forced already. */
  readonly alreadyForced: number
  /** Tracked identifiers of a file. */
  tracked(fileHash: string): number
  /** Other tracked identifiers of the file of an event. */
  sameFile(event: ForceChange): number
}

/**
 * Makes the report on one period. For the files and labels that were forced in it, the report also has the events outside
 * it. They decide how events form decisions, and which decision each note counts for.
 */
export function makeReport(media: string, period: Period, facts: Facts): ReportData {
  const groups = groupDecisions(facts.events)
  const isInPeriod = (event: ForceChange) => inPeriod(event, period) !== 'no'
  const concerned = new Set(groups.filter(({ events }) => events.some(isInPeriod)).map(groupName))
  const listed = groups.filter((group) => concerned.has(groupName(group)))
  const notes = notesOfDecisions(listed, facts.notes)
  const decisions = listed.map((group, index) => {
    const { file_hash, forced_to, not_before, not_after } = group
    const own = notes.get(group) ?? []
    const before = [...new Set(group.events.map((event) => event.forced_from))]
    return {
      decision: index + 1,
      in_period: inPeriod(group, period),
      file_hash,
      forced_from: before.length === 1 ? (before[0] ?? null) : null,
      forced_from_differs: before.length > 1,
      forced_to,
      not_before,
      not_after,
      identifiers: group.events.length,
      tracked: file_hash === null ? 1 : facts.counts.tracked(file_hash),
      explanation: explanationOf(group, own[0]),
      explained_by: own[0]?.note_id ?? null,
      notes: own,
    }
  })
  const events = listed
    .flatMap((group, index) =>
      group.events.map((event) => ({
        ...event,
        in_period: inPeriod(event, period),
        decision: index + 1,
        force_origin: forceOriginOf(event),
        same_file_identifiers: facts.counts.sameFile(event),
      })),
    )
    .toSorted((one, other) => compare(one.not_after, other.not_after) || byKey(one, other))
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
      period: summarizePeriod(events, decisions, facts.counts.alreadyForced, period.time_zone),
    },
    decisions,
    events,
  }
}

/** SHA-256 (hex) of the RFC 8785 JSON of a report's data. */
export function dataDigest(data: ReportData): string {
  const hash = createHash('sha256')
  for (const text of canonicalParts(data)) hash.update(text)
  return hash.digest('hex')
}

/**
 * The RFC 8785 JSON of a report's data in parts, its keys in the order of their code units. Lists come element by element,
 * because a report can be long.
 */
export function* canonicalParts(data: ReportData): Generator<string> {
  for (const [index, key] of Object.keys(data).toSorted().entries()) {
    yield `${index === 0 ? '{' : ','}${JSON.stringify(key)}:`
    const value = data[key as keyof ReportData] as Json
    if (Array.isArray(value)) yield* canonicalElements(value)
    else yield canonicalJson(value)
  }
  yield '}'
}

function* canonicalElements(list: readonly Json[]): Generator<string> {
  yield '['
  for (const [index, element] of list.entries()) yield (index === 0 ? '' : ',') + canonicalJson(element)
  yield ']'
}

/** The documented C2PA path forces to `artificial`, when a file is submitted, and no later. */
function forceOriginOf({ event, forced_to }: ForceChange): ForceEvent['force_origin'] {
  return forced_to === 'human' || event === 'forced' ? 'not_c2pa_path' : 'undetermined'
}
