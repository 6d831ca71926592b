import { noteName, revisionName } from '../../../pipeline/seal/leaf.ts'
import type { JsonObject } from '../../../platform/json.ts'
import { type Finding, finding } from '../../verify/findings.ts'
import type { Facts } from '../make-report.ts'
import type { ForceChange, ReportData } from '../schema.ts'
import { sealedNote } from '../sealed-facts.ts'

/** A leaf whose proof leads to the root of its run. */
export interface ProvedLeaf {
  readonly chain_position: number
  readonly row: JsonObject
}

type Leaves = ReadonlyMap<string, ProvedLeaf>

/** The events of a report, and the notes, each once, with the values of the proved leaves. One without a leaf is a finding. */
export function provedFacts(
  { events, decisions }: ReportData,
  leaves: Leaves,
): { readonly facts: Pick<Facts, 'events' | 'notes'>; readonly findings: readonly Finding[] } {
  const findings: Finding[] = []
  const provedEvents = new Map<string, ForceChange>()
  for (const listed of events) {
    const name = revisionName(listed.classification_id, listed.revision_no)
    const event = provedEvent(listed, leaves)
    if (event) provedEvents.set(name, event)
    else findings.push(finding(`the event at ${name}`, 'has no proof'))
  }
  for (const { note_id } of decisions.flatMap(({ notes }) => notes)) {
    if (!leaves.has(noteName(note_id))) findings.push(finding(noteName(note_id), 'has no proof'))
  }
  // With all proved notes, so that a note that the report does not list is a difference.
  const notes = [...leaves.values()]
    .flatMap(({ row }) => ('note_id' in row ? [sealedNote(row)] : []))
    .toSorted((one, other) => one.note_id - other.note_id)
  return { facts: { events: [...provedEvents.values()], notes }, findings }
}

/**
 * The event that the leaves prove: the revision with the new label and the finished one before it, with only unfinished
 * ones between. Undefined when they do not prove it.
 */
function provedEvent(
  { event, classification_id, revision_no, revision_no_before }: ForceChange,
  leaves: Leaves,
): ForceChange | undefined {
  if (revision_no - revision_no_before > leaves.size) return undefined
  const leaf = (no: number) => leaves.get(revisionName(classification_id, no))
  const [now, before] = [leaf(revision_no), leaf(revision_no_before)]
  const between = Array.from({ length: Math.max(0, revision_no - revision_no_before - 1) }, (_, n) =>
    leaf(revision_no_before + 1 + n),
  )
  const isAfterFinished =
    revision_no_before < revision_no &&
    before?.row.status !== 'new' &&
    between.every((revision) => revision?.row.status === 'new')
  if (!now || !before || !isAfterFinished) return undefined
  const causes = Array.isArray(now.row.causes) ? now.row.causes : []
  if (!causes.includes(event)) return undefined
  return {
    event,
    classification_id,
    revision_no,
    revision_no_before,
    ...Object.fromEntries(UNCHANGED.map((name) => [name, now.row[name] ?? null])),
    forced_from: before.row.force_classification ?? null,
    forced_to: now.row.force_classification ?? null,
    not_before: now.row.previous_confirmed_at ?? null,
    not_after: now.row.observed_at ?? null,
    ...machineColumns(before.row, 'before'),
    ...machineColumns(now.row, 'after'),
    chain_position: now.chain_position,
    // The comparison with the report finds a value of another type.
  } as unknown as ForceChange
}

function machineColumns(row: JsonObject, when: 'before' | 'after') {
  const names = ['machine_classification', 'machine_confidence', 'machine_heuristic']
  return Object.fromEntries(names.map((name) => [`${name}_${when}`, row[name] ?? null]))
}

/** Columns of the revision that an event has under the same names. */
const UNCHANGED = 'identifier personal_commitment submitted_at file_hash run_id'.split(' ')
