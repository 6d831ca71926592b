import type { Finding } from '../../chain/findings.ts'
import { canonicalJson } from '../../canonical-json.ts'
import type { Json, JsonObject } from '../../json.ts'
import type { Decision, ForceEvent, Report } from '../report.ts'
import { noteName, revisionName } from './read-leaves.ts'
import type { ProvedLeaf } from './verify-bundle.ts'

/** Holds every event and note of a report against the leaves that a bundle proves. */
export function verifyEvents(
  { events, decisions }: Report,
  leaves: ReadonlyMap<string, ProvedLeaf>,
): Finding[] {
  return [
    ...events.flatMap((event) => verifyEvent(event, leaves)),
    ...decisions.flatMap((decision) => verifyNotes(decision, leaves)),
  ]
}

function verifyEvent(event: ForceEvent, leaves: ReadonlyMap<string, ProvedLeaf>): Finding[] {
  const what = `event at revision ${event.revision_no} of classification ${event.classification_id}`
  const leaf = (no: number) => leaves.get(revisionName(event.classification_id, no))
  const now = leaf(event.revision_no)
  const before = leaf(event.revision_no_before)
  if (!now || !before) return [finding(what, 'has no proof')]
  const between = Array.from(
    { length: Math.max(0, event.revision_no - event.revision_no_before - 1) },
    (_, position) => leaf(event.revision_no_before + 1 + position),
  )
  if (
    event.revision_no_before >= event.revision_no ||
    before.row.status === 'new' ||
    between.some((revision) => revision?.row.status !== 'new')
  ) {
    return [finding(what, 'is not held against the finished answer before it')]
  }
  return differences({ ...event }, expectedEvent(event, now, before.row)).map((key) =>
    finding(what, `says another ${key} than was sealed`),
  )
}

/** What the leaves say of an event. */
function expectedEvent(
  event: ForceEvent,
  { chain_position, row }: ProvedLeaf,
  before: JsonObject,
): JsonObject {
  const causes = Array.isArray(row.causes) ? row.causes : []
  return {
    event: causes.includes(event.event) ? event.event : null,
    identifier: row.identifier ?? null,
    ref_id: row.ref_id ?? null,
    name: row.name ?? null,
    source: row.source ?? null,
    submitted_at: row.submitted_at ?? null,
    file_hash: row.file_hash ?? null,
    result_url: row.result_url ?? null,
    forced_from: before.force_classification ?? null,
    forced_to: row.force_classification ?? null,
    not_before: row.previous_confirmed_at ?? null,
    not_after: row.observed_at ?? null,
    machine_classification_before: before.machine_classification ?? null,
    machine_confidence_before: before.machine_confidence ?? null,
    machine_heuristic_before: before.machine_heuristic ?? null,
    machine_classification_after: row.machine_classification ?? null,
    machine_confidence_after: row.machine_confidence ?? null,
    machine_heuristic_after: row.machine_heuristic ?? null,
    run_id: row.run_id ?? null,
    chain_position,
  }
}

function verifyNotes(decision: Decision, leaves: ReadonlyMap<string, ProvedLeaf>): Finding[] {
  return decision.notes.flatMap((note) => {
    const what = noteName(note.note_id)
    const leaf = leaves.get(what)
    if (!leaf) return [finding(what, 'has no proof')]
    const { media: _, ...row } = leaf.row
    const expected = { ticket: null, reviewer: null, ...row, file_hash: decision.file_hash }
    return differences({ ...note }, { ...expected, forced_to: decision.forced_to ?? 'none' }).map((key) =>
      finding(what, `says another ${key} than was sealed, or than its decision`),
    )
  })
}

function differences(said: Readonly<Record<string, unknown>>, expected: JsonObject): string[] {
  return Object.keys(expected).filter(
    (key) => canonicalJson([said[key] as Json]) !== canonicalJson([expected[key]]),
  )
}

function finding(what: string, problem: string): Finding {
  return { chain_position: null, what, problem }
}
