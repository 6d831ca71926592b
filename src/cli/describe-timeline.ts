import type { Timeline } from '../compliance/history/read-timeline.ts'
import type { RevisionCause } from '../platform/postgres/tables/history.ts'
import { printable } from '../platform/text.ts'
import { counted } from '../platform/terminal/text.ts'

/** Same-file identifiers that the text names; --json has all of them. */
const NAMED = 5

type Revision = Timeline['revisions'][number]

/** The history of one identifier as text. */
export function describeTimeline(timeline: Timeline): string {
  const { revisions, notes } = timeline
  return [
    ...headLines(timeline),
    '',
    revisions.map(describeRevision).join('\n\n') || 'No response has been received yet.',
    ...(notes.length > 0 ? ['', 'Notes on the file:', ...notes.map(describeNote)] : []),
  ].join('\n')
}

function headLines(timeline: Timeline): string[] {
  const { same_file_identifiers: others } = timeline
  const latest = timeline.revisions.at(-1)
  const named = others.slice(0, NAMED).join(', ') + (others.length > NAMED ? ', ...' : '')
  const lines: [string, string | null][] = [
    ['identifier', timeline.identifier],
    ['name', latest?.name ?? null],
    ['ref_id', latest?.ref_id ?? null],
    ['file hash', timeline.file_hash],
    ['same file', others.length === 0 ? null : `${counted(others.length, 'other identifier')}: ${named}`],
    ['source', timeline.source],
    ['submitted', timeline.submitted_at],
    ['tracked since', timeline.enqueued_at],
    ['state', timeline.state],
    ['retired', timeline.retired_at && `${timeline.retired_at}: ${timeline.retired_reason}`],
    ['last confirmed', timeline.last_confirmed_at],
    ['next request', timeline.due_at],
    ['last error', timeline.last_error],
    ['result', latest?.result_url ?? null],
  ]
  return lines.flatMap(([label, value]) => (value === null ? [] : [`${label.padEnd(15)}${printable(value)}`]))
}

function describeRevision(revision: Revision): string {
  const causes = revision.causes.map((cause) => CAUSES[cause]).join(', ')
  return [
    `${String(revision.revision_no).padStart(3)}  ${causes}`,
    ...timeLines(revision),
    ...contentLines(revision),
  ].join('\n     ')
}

function timeLines({ causes, not_before, not_after }: Revision): string[] {
  if (causes.includes('disappeared'))
    return [`observed at ${not_after}; last confirmed at ${not_before ?? 'an unknown time'}`]
  const unobserved = causes.includes('already_forced') ? '; the force itself was not observed' : ''
  if (not_before === null) return [`observed at ${not_after}${unobserved}`]
  return [`not before ${not_before}, and not after ${not_after}${unobserved}`]
}

function contentLines(revision: Revision): string[] {
  if (revision.causes.includes('disappeared')) return []
  if (revision.status === 'new') return ['the analysis is not finished']
  const { machine_classification, machine_confidence, machine_heuristic } = revision
  const confidence = machine_confidence === null ? '' : `, confidence ${machine_confidence}`
  const heuristic = machine_heuristic === null ? '' : ` (${printable(machine_heuristic)})`
  const verdict =
    machine_classification === null
      ? 'the machine gave no verdict'
      : `machine verdict ${printable(machine_classification)}${confidence}${heuristic}`
  const force = revision.force_classification
  return [
    `${revision.status}; ${verdict}`,
    force === null ? 'not forced' : `forced to ${printable(force)}, which counts`,
  ]
}

function describeNote(note: Timeline['notes'][number]): string {
  const { ticket, reviewer, corrects } = note
  const details = [
    corrects && `corrects note ${corrects}`,
    ticket && `ticket ${ticket}`,
    reviewer && `reviewed by ${reviewer}`,
  ].filter(Boolean)
  return printable(
    `${String(note.note_id).padStart(3)}  ${note.noted_at}, ${note.author}: ${note.forced_to === 'none' ? 'no longer forced' : `forced to ${note.forced_to}`}, because ${note.reason}${details.length > 0 ? ` (${details.join(', ')})` : ''}`,
  )
}

const CAUSES: Readonly<Record<RevisionCause, string>> = {
  first_seen: 'first record',
  status_changed: 'another status',
  forced: 'FORCED',
  force_changed: 'FORCED to another label',
  unforced: 'NO LONGER FORCED',
  already_forced: 'FORCED already in the first finished record',
  heuristic_switched: 'another heuristic decides',
  verdict_changed: 'other verdicts',
  models_changed: 'other models',
  scores_changed: 'other scores',
  api_version_changed: 'another API version',
  details_changed: 'other clips or details',
  hash_changed: 'another file hash',
  errors_changed: 'another error',
  metadata_changed: 'another name or ref_id, or another force while unfinished',
  extra_changed: 'other fields that are not in the contract',
  disappeared: 'no longer returned by the API',
  reappeared: 'returned again',
}
