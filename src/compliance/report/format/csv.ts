import { pipeline, Readable } from 'node:stream'
import { stringify } from 'csv-stringify'
import { type Decision, event, type Report } from '../schema.ts'

/** Columns of the CSV form: the members of an event, then those of its decision, its first note and the coverage. */
const COLUMNS = [
  ...Object.keys(event.shape),
  'decision_not_before',
  'decision_not_after',
  'explanation',
  'note_author',
  'note_reason',
  'note_ticket',
  'note_reviewer',
  'noted_at',
  'coverage',
]

/**
 * The events of the period as CSV (RFC 4180), one a line; null is empty. A text that a spreadsheet would take for a formula
 * gets an apostrophe before it.
 */
export function csvText(report: Report): AsyncIterable<string> {
  const lines = stringify({
    header: true,
    columns: COLUMNS,
    record_delimiter: 'windows',
    escape_formulas: true,
    // Many readers end a line at a lone line feed or carriage return, too.
    quoted_match: /[\r\n]/,
  })
  // An error of either stream ends the other, and reaches the reader of the lines.
  pipeline(Readable.from(rowsOf(report)), lines, () => {})
  return lines
}

function* rowsOf({ events, decisions, head }: Report) {
  for (const listed of events) {
    if (listed.in_period === 'no') continue
    const decision = decisions[listed.decision - 1] as Decision
    const [note] = decision.notes
    yield {
      ...listed,
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
