import type { Timeline, TimelineNote, TimelineRevision } from '../compliance/history/read-timeline.ts'
import { counted } from '../platform/terminal/text.ts'
import { printable } from '../platform/text.ts'

/** Siblings that are named; --json has them all. */
const SAME_FILE_NAMED = 5

/** One identifier's history as a person reads it. */
export function describeTimeline(timeline: Timeline): string {
  const notes = timeline.notes.map(describeNote)
  return [
    ...headLines(timeline),
    '',
    timeline.revisions.length === 0
      ? 'No answer has been seen yet.'
      : timeline.revisions.map(describeRevision).join('\n\n'),
    ...(notes.length > 0 ? ['', 'Notes on the file:', ...notes] : []),
  ].join('\n')
}

function headLines(timeline: Timeline): string[] {
  const { state, sameFile, revisions } = timeline
  const latest = revisions.at(-1)
  const others =
    sameFile.slice(0, SAME_FILE_NAMED).join(', ') + (sameFile.length > SAME_FILE_NAMED ? ', ...' : '')
  const lines: [string, string | null][] = [
    ['identifier', timeline.identifier],
    ['name', latest?.name ?? null],
    ['ref_id', latest?.ref_id ?? null],
    ['file hash', timeline.file_hash],
    [
      'same file',
      sameFile.length === 0 ? null : `${counted(sameFile.length, 'other identifier')}: ${others}`,
    ],
    ['source', timeline.source],
    ['submitted', timeline.submitted_at],
    ['tracked since', timeline.enqueued_at],
    ['state', state],
    ['retired', timeline.retired_at && `${timeline.retired_at}: ${timeline.retired_reason}`],
    ['last confirmed', timeline.last_confirmed_at],
    ['next asked', timeline.due_at],
    ['last error', timeline.last_error],
    ['result', latest?.result_url ?? null],
  ]
  return lines.flatMap(([label, value]) => (value === null ? [] : [`${label.padEnd(15)}${printable(value)}`]))
}

function describeRevision(revision: TimelineRevision): string {
  const causes = revision.causes.map((cause) => CAUSES[cause] ?? cause).join(', ')
  return [
    `${String(revision.revision_no).padStart(3)}  ${causes}`,
    ...whenLines(revision),
    ...whatLines(revision),
  ].join('\n     ')
}

function whenLines({ causes, not_before, not_after }: TimelineRevision): string[] {
  if (causes.includes('disappeared'))
    return [`noticed at ${not_after}; last confirmed at ${not_before ?? 'no time known'}`]
  const isFound = causes.includes('already_forced') ? '; when it was forced nobody saw' : ''
  if (not_before === null) return [`seen at ${not_after}${isFound}`]
  return [`after ${not_before}, and not after ${not_after}${isFound}`]
}

function whatLines(revision: TimelineRevision): string[] {
  if (revision.causes.includes('disappeared')) return []
  if (revision.status === 'new') return ['the analysis is not finished']
  const { machine_classification: machine, machine_confidence, machine_heuristic } = revision
  const said =
    machine === null
      ? 'the machine gives no verdict'
      : `the machine says ${printable(machine)}${machine_confidence === null ? '' : `, confidence ${machine_confidence}`}${machine_heuristic === null ? '' : ` (${printable(machine_heuristic)})`}`
  const force = revision.force_classification
  return [
    `${revision.status}; ${said}`,
    force === null ? 'not forced' : `forced to ${printable(force)}, which is what counts`,
  ]
}

function describeNote({
  note_id,
  noted_at,
  forced_to,
  author,
  reason,
  ticket,
  reviewer,
}: TimelineNote): string {
  const details = [
    ...(ticket === null ? [] : [`ticket ${ticket}`]),
    ...(reviewer === null ? [] : [`reviewed by ${reviewer}`]),
  ]
  return printable(
    `${String(note_id).padStart(3)}  ${noted_at}, ${author}: ${forced_to === 'none' ? 'no longer forced' : `forced to ${forced_to}`}, because ${reason}${details.length > 0 ? ` (${details.join(', ')})` : ''}`,
  )
}

const CAUSES: Readonly<Record<string, string>> = {
  first_seen: 'first seen',
  status_changed: 'another status',
  forced: 'FORCED',
  force_changed: 'FORCED to another label',
  unforced: 'NO LONGER FORCED',
  already_forced: 'FORCED already when it was first seen finished',
  heuristic_switched: 'another heuristic decides',
  verdict_changed: 'other verdicts',
  models_changed: 'other models',
  scores_changed: 'other scores',
  api_version_changed: 'another API version',
  details_changed: 'other clips or details',
  hash_changed: 'another file hash',
  errors_changed: 'another error',
  metadata_changed: 'another name or ref_id, or a force while unfinished',
  extra_changed: 'other fields that the contract does not know',
  disappeared: 'no longer returned by the API',
  reappeared: 'returned again',
}
