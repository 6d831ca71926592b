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

/**
 * The events of a report, and the notes, each once, with the values of the proved leaves. A row without a leaf is a finding,
 * and so is a leaf without a use in the report.
 */
export function provedFacts(
  { head, events, decisions }: ReportData,
  leaves: Leaves,
): { readonly facts: Pick<Facts, 'events' | 'notes'>; readonly findings: readonly Finding[] } {
  const findings: Finding[] = []
  const provedEvents = new Map<string, ForceChange>()
  const needed = new Set<string>()
  for (const listed of events) {
    const name = revisionName(listed.classification_id, listed.revision_no)
    const names = revisionsOf(listed, leaves)
    for (const each of names) needed.add(each)
    const event = provedEvent(
      listed,
      names.map((each) => leaves.get(each)),
      head.media,
    )
    if (event) provedEvents.set(name, event)
    else findings.push(finding(`the event at ${name}`, 'has no proof'))
  }
  for (const { note_id } of decisions.flatMap(({ notes }) => notes)) {
    if (!leaves.has(noteName(note_id))) findings.push(finding(noteName(note_id), 'has no proof'))
  }
  for (const [name, { row }] of leaves) {
    const isNeeded = 'note_id' in row ? row.media === head.media : needed.has(name)
    if (!isNeeded) findings.push(finding(name, 'is not part of the report'))
  }
  // With all proved notes, so that a note that the report does not list is a difference.
  const notes = [...leaves.values()]
    .flatMap(({ row }) => ('note_id' in row ? [sealedNote(row)] : []))
    .toSorted((one, other) => one.note_id - other.note_id)
  return { facts: { events: [...provedEvents.values()], notes }, findings }
}

/** The names of the revisions of an event, from the one with the former label; none if there are fewer leaves. */
function revisionsOf(
  { classification_id, revision_no, revision_no_before }: ForceChange,
  leaves: Leaves,
): readonly string[] {
  const count = revision_no - revision_no_before + 1
  if (count < 2 || count > leaves.size) return []
  return Array.from({ length: count }, (_, n) => revisionName(classification_id, revision_no_before + n))
}

/**
 * The event that its revisions prove: the one with the new label and the finished one before it, with only unfinished ones
 * between. Undefined when they do not prove it.
 */
function provedEvent(
  { event, classification_id, revision_no, revision_no_before }: ForceChange,
  revisions: readonly (ProvedLeaf | undefined)[],
  media: string,
): ForceChange | undefined {
  const [before, now, between] = [revisions[0], revisions.at(-1), revisions.slice(1, -1)]
  const isAfterFinished =
    before?.row.status !== 'new' && between.every((revision) => revision?.row.status === 'new')
  if (!now || !before || !isAfterFinished || now.row.media !== media) return undefined
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
