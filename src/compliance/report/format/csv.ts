import { pipeline, Readable } from 'node:stream'
import { stringify } from 'csv-stringify'
import { PERSONAL_FIELDS } from '../../../pipeline/seal/commitment.ts'
import { currentNotes } from '../decisions.ts'
import { personalValuesOf } from '../personal-values.ts'
import { type Decision, event, type Report } from '../schema.ts'

/** Columns of the CSV form: the members of an event, then those of its decision, its first note, as corrected, and the coverage. */
const COLUMNS = [
  ...Object.keys(event.shape).flatMap((name) => (name === 'personal_commitment' ? PERSONAL_FIELDS : name)),
  'decision_not_before',
  'decision_not_after',
  'explanation',
  'note_author',
  'note_reason',
  'note_ticket',
  'note_reviewer',
  'noted_at',
  'note_corrections',
  'coverage',
]

/** Shown in place of personal values that were removed. */
const REMOVED = Object.fromEntries(PERSONAL_FIELDS.map((name) => [name, '[redacted]']))

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

function* rowsOf({ events, decisions, head, personal_values }: Report) {
  const valuesOf = personalValuesOf({ personal_values })
  for (const listed of events) {
    if (listed.in_period === 'no') continue
    const decision = decisions[listed.decision - 1] as Decision
    const [note] = currentNotes(decision.notes)
    yield {
      ...listed,
      ...(valuesOf(listed) ?? REMOVED),
      decision_not_before: decision.not_before,
      decision_not_after: decision.not_after,
      explanation: decision.explanation,
      note_author: note?.author ?? null,
      note_reason: note?.reason ?? null,
      note_ticket: note?.ticket ?? null,
      note_reviewer: note?.reviewer ?? null,
      noted_at: decision.notes[0]?.noted_at ?? null,
      note_corrections: note?.corrections ?? null,
      coverage: head.coverage.is_complete ? 'complete' : 'incomplete',
    }
  }
}
