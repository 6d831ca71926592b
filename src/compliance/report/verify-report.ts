import { canonicalJson } from '../../platform/canonical-json.ts'
import { type Finding, finding } from '../verify/findings.ts'
import { revisionName } from '../../pipeline/seal/leaf.ts'
import type { Json } from '../../platform/json.ts'
import { dataDigest } from './data-digest.ts'
import { type Facts, makeReport } from './make-report.ts'
import type { ForceChange } from './read-events.ts'
import type { ForceEvent, Report, ReportData } from './report.ts'

/**
 * What a report shows of itself alone: that its digest is that of its data, and that what it concludes and counts follows
 * from what it lists. It cannot show that the lists are true: for that there are the bundle and the database.
 */
export function verifyReport(report: Report): Finding[] {
  const { generated_at: _, generated_by: __, data_digest, ...data } = report
  return [
    ...(dataDigest(data) === data_digest
      ? []
      : [finding('data_digest', 'is not that of the data: one of the two has been altered')]),
    ...differences(data, statedFacts(data)),
  ]
}

/** Makes a report anew from facts, and names what is another than it says. */
export function differences(report: ReportData, facts: Facts): Finding[] {
  const { head, summary, decisions, events } = makeReport(report.head.media, report.head.period, facts)
  return [
    ...differing('head', withoutParts(report.head), withoutParts(head)),
    ...differing('head.coverage', report.head.coverage, head.coverage),
    ...differing('head.as_of', report.head.as_of, head.as_of),
    ...differing('summary.period', report.summary.period, summary.period),
    ...differing('decision', report.decisions, decisions),
    ...differing('event', report.events, events),
  ]
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
    events: [...stated.values()].map(seenEvent),
    notes: [...notes.values()].toSorted((one, other) => one.note_id - other.note_id),
    counts: {
      now: summary.now,
      alreadyForced: summary.period.already_forced,
      tracked: (fileHash) => tracked.get(fileHash) ?? 0,
      sameFile: (event) => stated.get(nameOf(event))?.same_file_identifiers ?? 0,
    },
  }
}

function nameOf(event: ForceChange): string {
  return revisionName(event.classification_id, event.revision_no)
}

/** An event without what is concluded of it. */
function seenEvent(event: ForceEvent): ForceChange {
  const { in_period: _, decision: __, force_origin: ___, same_file_identifiers: ____, ...seen } = event
  return seen
}

/** Its parts are compared member by member. */
function withoutParts(head: ReportData['head']): object {
  return { ...head, coverage: null, as_of: null }
}

/** Names the members, or the elements by their number, in which two values differ. */
function differing(what: string, said: object, made: object): Finding[] {
  const keys = new Set([...Object.keys(said), ...Object.keys(made)])
  return [...keys]
    .filter((key) => textOf(said, key) !== textOf(made, key))
    .map((key) => {
      const name = Array.isArray(said)
        ? `${what} ${Number(key) + 1}${subject(said[Number(key)])}`
        : `${what}.${key}`
      return finding(name, 'is not what follows from the rest')
    })
}

/** What an event or a decision is about, for whoever looks for it. */
function subject(element: Partial<Pick<ForceEvent, 'identifier' | 'file_hash'>> | undefined): string {
  const name = element?.identifier ?? element?.file_hash
  return name ? ` (${name})` : ''
}

function textOf(value: object, key: string): string {
  return canonicalJson([(value as Record<string, Json>)[key]])
}
