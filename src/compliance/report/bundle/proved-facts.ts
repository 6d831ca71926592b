import { noteName, revisionName } from '../../../pipeline/seal/leaf.ts'
import type { JsonObject } from '../../../platform/json.ts'
import { type Finding, finding } from '../../verify/findings.ts'
import type { Facts } from '../make-report.ts'
import type { ForceChange, Note, ReportData } from '../schema.ts'

/** A leaf whose proof leads to the root of its run. */
export interface ProvedLeaf {
  readonly chain_position: number
  readonly row: JsonObject
}

type Leaves = ReadonlyMap<string, ProvedLeaf>

/** The events and notes of a report, each once, with the values of the proved leaves. One without a leaf is a finding. */
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
  const provedNotes = new Map<number, Note>()
  for (const { note_id } of decisions.flatMap(({ notes }) => notes)) {
    const leaf = leaves.get(noteName(note_id))
    if (leaf) provedNotes.set(note_id, noteOf(leaf.row))
    else findings.push(finding(noteName(note_id), 'has no proof'))
  }
  const notes = [...provedNotes.values()].toSorted((one, other) => one.note_id - other.note_id)
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
    identifier: value(now.row, 'identifier'),
    ref_id: value(now.row, 'ref_id'),
    name: value(now.row, 'name'),
    source: value(now.row, 'source'),
    submitted_at: value(now.row, 'submitted_at'),
    file_hash: value(now.row, 'file_hash'),
    forced_from: value(before.row, 'force_classification'),
    forced_to: value(now.row, 'force_classification'),
    not_before: value(now.row, 'previous_confirmed_at'),
    not_after: value(now.row, 'observed_at'),
    machine_classification_before: value(before.row, 'machine_classification'),
    machine_confidence_before: value(before.row, 'machine_confidence'),
    machine_heuristic_before: value(before.row, 'machine_heuristic'),
    machine_classification_after: value(now.row, 'machine_classification'),
    machine_confidence_after: value(now.row, 'machine_confidence'),
    machine_heuristic_after: value(now.row, 'machine_heuristic'),
    result_url: value(now.row, 'result_url'),
    run_id: value(now.row, 'run_id'),
    chain_position: now.chain_position,
  }
}

/** A column of a sealed row; null when it is absent. The comparison with the report finds a value of another type. */
function value(row: JsonObject, key: string): never {
  return (row[key] ?? null) as never
}

function noteOf(row: JsonObject): Note {
  const { media: _, ...note } = row
  return { ticket: null, reviewer: null, ...note } as unknown as Note
}
