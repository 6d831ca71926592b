import { pipeline, Readable } from 'node:stream'
import { stringify } from 'csv-stringify'
import type { Decision, Report } from '../schema.ts'

/** Columns of the CSV form. New ones are appended, so that the numbers of the others stay. */
const COLUMNS = [
  'event',
  'in_period',
  'identifier',
  'forced_from',
  'forced_to',
  'not_before',
  'not_after',
  'force_origin',
  'file_hash',
  'same_file_identifiers',
  'ref_id',
  'name',
  'source',
  'submitted_at',
  'machine_classification_before',
  'machine_confidence_before',
  'machine_heuristic_before',
  'machine_classification_after',
  'machine_confidence_after',
  'machine_heuristic_after',
  'result_url',
  'classification_id',
  'revision_no',
  'revision_no_before',
  'run_id',
  'chain_position',
  'decision',
  'decision_not_before',
  'decision_not_after',
  'explanation',
  'note_author',
  'note_reason',
  'note_ticket',
  'note_reviewer',
  'noted_at',
  'coverage',
] as const

type CsvRow = Record<(typeof COLUMNS)[number], string | number | null>

/**
 * The events of the period as CSV (RFC 4180), one a line; null is empty. A text that a spreadsheet would take for a formula
 * gets an apostrophe before it.
 */
export function csvText(report: Report): AsyncIterable<string> {
  const lines = stringify({
    header: true,
    columns: [...COLUMNS],
    record_delimiter: 'windows',
    escape_formulas: true,
    // Many readers end a line at a lone line feed or carriage return, too.
    quoted_match: /[\r\n]/,
  })
  // An error of either stream ends the other, and reaches the reader of the lines.
  pipeline(Readable.from(rowsOf(report)), lines, () => {})
  return lines
}

function* rowsOf({ events, decisions, head }: Report): Generator<CsvRow> {
  for (const event of events) {
    if (event.in_period === 'no') continue
    const decision = decisions[event.decision - 1] as Decision
    const [note] = decision.notes
    yield {
      ...event,
      decision_not_before: decision.not_before,
      decision_not_after: decision.not_after,
      explanation: decision.explanation,
      note_author: note?.author ?? null,
      note_reason: note?.reason ?? null,
      note_ticket: note?.ticket ?? null,
      note_reviewer: note?.reviewer ?? null,
      noted_at: note?.noted_at ?? null,
      coverage: head.coverage.is_complete ? 'complete' : 'incomplete',
    }
  }
}
