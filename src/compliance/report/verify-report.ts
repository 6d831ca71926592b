import { revisionName } from '../../pipeline/seal/leaf.ts'
import { canonicalJson } from '../../platform/canonical-json.ts'
import type { Json } from '../../platform/json.ts'
import { timeZoneOf } from '../../platform/time.ts'
import { type Finding, finding } from '../verify/findings.ts'
import { verifyPersonalValues } from './personal-values.ts'
import { dataDigest, type Facts, makeReport } from './make-report.ts'
import type { ForceChange, ForcedNow, ForceEvent, Report, ReportData } from './schema.ts'
import { summarizeNow } from './summary.ts'

/**
 * Verifies a report from itself alone: its digest is that of its data, and its conclusions and figures follow from its
 * lists. It cannot show that the lists are true; a bundle or the database can.
 */
export function verifyReport(report: Report): Finding[] {
  const { generated_at: _, generated_by: __, verified: ___, data_digest, personal_values, ...data } = report
  return [
    ...(dataDigest(data) === data_digest
      ? []
      : [finding('data_digest', 'does not match the data, because one of the two was altered')]),
    ...verifyPersonalValues(data.events, personal_values),
    ...differences(data, statedFacts(data)),
  ]
}

/** Makes a report again from facts, and names the parts in which the given one differs. */
export function differences(report: ReportData, facts: Facts): Finding[] {
  const { time_zone } = report.head.period
  if (timeZoneOf(time_zone) === undefined)
    return [
      finding('head.period.time_zone', 'is not the name of a time zone, so the report cannot be made again'),
    ]
  const { head, summary, decisions, events } = makeReport(report.head.media, report.head.period, facts)
  // The parts that are compared member by member.
  const apart = { coverage: null, as_of: null }
  return [
    ...differing('head', { ...report.head, ...apart }, { ...head, ...apart }),
    ...differing('head.coverage', report.head.coverage, head.coverage),
    ...differing('head.as_of', report.head.as_of, head.as_of),
    ...differing('summary.now', report.summary.now, summary.now),
    ...differing('summary.period', report.summary.period, summary.period),
    ...differing('decision', report.decisions, decisions),
    ...differing('event', report.events, events),
  ]
}

/** The figures on the labels that are forced now, as far as they follow from each other. */
function summarizeAgain(now: ForcedNow): ForcedNow {
  const forced = summarizeNow(now.machine_to_forced)
  const with_result = Math.max(forced.forced, now.with_result)
  const forced_share = with_result === 0 ? null : forced.forced / with_result
  return { ...forced, with_result, forced_share }
}

/** The facts as a report itself states them, each once. */
export function statedFacts({ head, summary, decisions, events }: ReportData): Facts {
  const { is_complete: _, gaps: __, ...coverage } = head.coverage
  const notes = new Map(decisions.flatMap((decision) => decision.notes.map((note) => [note.note_id, note])))
  const stated = new Map(events.map((event) => [nameOf(event), event]))
  const tracked = new Map(decisions.map((decision) => [decision.file_hash, decision.tracked]))
  return {
    asOf: head.as_of,
    coverage,
    events: [...stated.values()].map(
      // An event without the conclusions on it.
      ({ in_period: _in, decision: _of, force_origin: _by, same_file_identifiers: _with, ...change }) =>
        change,
    ),
    notes: [...notes.values()].toSorted((one, other) => one.note_id - other.note_id),
    counts: {
      now: summarizeAgain(summary.now),
      alreadyForced: summary.period.already_forced,
      tracked: (fileHash) => tracked.get(fileHash) ?? 0,
      sameFile: (event) => stated.get(nameOf(event))?.same_file_identifiers ?? 0,
    },
  }
}

function nameOf(event: ForceChange): string {
  return revisionName(event.classification_id, event.revision_no)
}

/** Names the members, or the elements by their number, in which two values differ. */
function differing(what: string, stated: object, made: object): Finding[] {
  const keys = new Set([...Object.keys(stated), ...Object.keys(made)])
  return [...keys]
    .filter((key) => textOf(stated, key) !== textOf(made, key))
    .map((key) => {
      const name = Array.isArray(stated)
        ? `${what} ${Number(key) + 1}${subject(stated[Number(key)])}`
        : `${what}.${key}`
      return finding(name, 'does not follow from the rest of the report')
    })
}

/** The identifier or the file of an event or a decision, so that a reader can find it. */
function subject(element: Partial<Pick<ForceEvent, 'identifier' | 'file_hash'>> | undefined): string {
  const name = element?.identifier ?? element?.file_hash
  return name ? ` (${name})` : ''
}

function textOf(value: object, key: string): string {
  return canonicalJson([(value as Record<string, Json>)[key]])
}
