import type { Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { UsageError } from '../../../platform/errors.ts'
import { readLines } from '../../../platform/read-lines.ts'
import { type Entry, type InvalidEntry, MAX_IDENTIFIER_BYTES, parseEntry, TOO_LONG } from './entry.ts'

/** Surrounding white space of a line that may still hold an identifier of full length. */
const MAX_WHITE_SPACE_BYTES = 1024

/** Longest CSV record, in characters. */
const MAX_RECORD_SIZE = 1_000_000

export type EntryStream = AsyncIterable<Entry | InvalidEntry>

/** One identifier a line. */
export async function* readTextEntries(stream: Readable): AsyncGenerator<Entry | InvalidEntry> {
  for await (const { number, text, cut } of readLines(stream, MAX_IDENTIFIER_BYTES + MAX_WHITE_SPACE_BYTES)) {
    yield cut ? { line: number, reason: TOO_LONG } : parseEntry({ line: number, identifier: text })
  }
}

/**
 * CSV (RFC 4180) with a header line: the columns `identifier` (or else the first), `submitted_at` and `source`;
 * others are ignored.
 *
 * @param onFirstColumn Called with the name of the first column when no column is named `identifier`.
 * @throws UsageError that has the line where the text is no longer CSV.
 */
export async function* readCsvEntries(
  stream: Readable,
  onFirstColumn: (name: string) => void = () => {},
): AsyncGenerator<Entry | InvalidEntry> {
  const parser = parse({
    bom: true,
    columns: (header: string[]) => columnsOf(header, onFirstColumn),
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_SIZE,
  })
  stream.on('error', (error) => parser.destroy(error)).pipe(parser)
  try {
    for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
      yield parseEntry({
        line: info.lines,
        identifier: record.identifier ?? '',
        submittedAt: record.submitted_at,
        source: record.source,
      })
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new UsageError(
      `The input is not CSV (${error.message}), so nothing was done.`,
      'Correct that line. A text file has one identifier a line, and needs no --csv.',
      { cause: error },
    )
  } finally {
    // The writer of a pipe may never end it, and without this an error here would wait for that.
    stream.destroy()
  }
}

/** One argument each, in the order given. */
export async function* argumentEntries(identifiers: readonly string[]): AsyncGenerator<Entry | InvalidEntry> {
  for (const [position, identifier] of identifiers.entries())
    yield parseEntry({ line: position + 1, identifier })
}

interface CsvRecord {
  readonly record: Partial<Record<'identifier' | 'submitted_at' | 'source', string>>
  readonly info: { readonly lines: number }
}

const WANTED = ['identifier', 'submitted_at', 'source']

function columnsOf(header: readonly string[], onFirstColumn: (name: string) => void): (string | undefined)[] {
  if (header.length === 1 && /[;\t|]/.test(header[0] ?? '')) {
    throw new UsageError(
      `The header of the CSV file has no commas (${header[0]}).`,
      'Separate its columns by commas.',
    )
  }
  if (!header.some((name) => name.trim() !== ''))
    throw new UsageError('The CSV file has no header line.', 'Add one with the column identifier.')
  const names = header.map((name) => name.trim().toLowerCase())
  const identifierAt = Math.max(names.indexOf('identifier'), 0)
  if (!names.includes('identifier')) onFirstColumn(header[0] ?? '')
  return names.map((name, position) => {
    if (position === identifierAt) return 'identifier'
    return WANTED.includes(name) && names.indexOf(name) === position ? name : undefined
  })
}
