import type { Readable } from 'node:stream'
import { UsageError } from '../../../platform/errors.ts'
import { type Line, readLines } from '../../../platform/read-lines.ts'
import { isBlank } from '../../../platform/text.ts'
import { cellsOf, DELIMITERS } from './csv-header.ts'
import { decodeInput } from './decode-input.ts'
import { type EntryStream, MAX_IDENTIFIER_BYTES, parseEntry, TOO_LONG } from './entry.ts'

/** Surrounding white space of a line that may still hold an identifier of full length. */
const MAX_WHITE_SPACE_BYTES = 1024

/** Lines by which a text is recognized as CSV. */
const EXAMINED_LINES = 100

/**
 * One identifier a line. Blank lines are skipped.
 *
 * @throws UsageError when the lines are CSV.
 */
export async function* readTextEntries(stream: Readable): EntryStream {
  let examined: Line[] | undefined = []
  for await (const line of readLines(decodeInput(stream), MAX_IDENTIFIER_BYTES + MAX_WHITE_SPACE_BYTES)) {
    if (isBlank(line.text)) continue
    if (examined === undefined) {
      yield entryOf(line)
      continue
    }
    examined.push(line)
    if (examined.length < EXAMINED_LINES) continue
    refuseCsv(examined)
    yield* examined.map(entryOf)
    examined = undefined
  }
  if (examined === undefined) return
  refuseCsv(examined)
  yield* examined.map(entryOf)
}

function entryOf({ number, text, cut }: Line) {
  return cut ? { line: number, reason: TOO_LONG } : parseEntry({ line: number, identifier: text })
}

/** An identifier can have any characters. But a column of identifiers with separators, or a header, is rather a mistake. */
function refuseCsv(lines: readonly Line[]): void {
  const texts = lines.map(({ text }) => text.trim())
  const separated = texts.filter((text) => DELIMITERS.some((delimiter) => text.includes(delimiter)))
  const first = texts[0] ?? ''
  const isHeader = DELIMITERS.some((delimiter) => cellsOf(first, delimiter).includes('identifier'))
  if (!isHeader && separated.length <= texts.length / 2) return
  throw new UsageError(
    `The lines appear to be CSV, so nothing was changed. The first one is: ${first.slice(0, 100)}`,
    'Add --csv. An identifier that has a comma, a semicolon or a tab itself needs a CSV file, and quotes.',
  )
}
