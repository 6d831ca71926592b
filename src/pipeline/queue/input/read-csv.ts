import { Readable } from 'node:stream'
import { CsvError, parse } from 'csv-parse'
import { UsageError } from '../../../platform/errors.ts'
import { detectDelimiter, nameOf } from './csv-header.ts'
import type { DateFormat } from './date-format.ts'
import { decodeInput } from './decode-input.ts'
import { type EntryStream, parseEntry } from './entry.ts'

/** Longest CSV record, in characters. */
const MAX_RECORD_SIZE = 1_000_000

export interface CsvOptions {
  /** The column of the identifiers. */
  readonly column: string
  /** One character; undefined to detect a comma, a semicolon or a tab. */
  readonly delimiter: string | undefined
  readonly dateFormat: DateFormat | undefined
}

/**
 * CSV (RFC 4180) with a header line: the column of the identifiers, `submitted_at` and `source`; others are ignored. Of two
 * columns with the same name, the first one counts.
 *
 * @throws UsageError that has the line and the column where the text is no longer CSV.
 */
export async function* readCsvEntries(stream: Readable, options: CsvOptions): EntryStream {
  const { header, whole } = await peekHeader(decodeInput(stream))
  const parser = parse({
    columns: (cells: string[]) => columnsOf(cells, options.column),
    delimiter: options.delimiter ?? detectDelimiter(header, options.column),
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: MAX_RECORD_SIZE,
  })
  const source = Readable.from(whole)
  source.on('error', (error) => parser.destroy(error)).pipe(parser)
  try {
    for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
      yield parseEntry({
        line: info.lines,
        identifier: record.identifier ?? '',
        submittedAt: record.submitted_at,
        source: record.source,
        dateFormat: options.dateFormat,
      })
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const { lines, index } = error as CsvError & CsvPosition
    throw new UsageError(
      `The input is not CSV: line ${lines}, column ${index + 1}: ${PROBLEMS[error.code] ?? error.message}. Nothing was changed.`,
      'Correct that line. A text file has one identifier a line, and needs no --csv.',
      { cause: error },
    )
  } finally {
    // The writer of a pipe may never end it, and without this an error here would wait for that.
    stream.destroy()
  }
}

interface CsvRecord {
  readonly record: Partial<Record<'identifier' | 'submitted_at' | 'source', string>>
  readonly info: { readonly lines: number }
}

interface CsvPosition {
  readonly lines: number
  readonly index: number
}

const PROBLEMS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed',
  CSV_INVALID_CLOSING_QUOTE: 'text follows a closing quote',
  INVALID_OPENING_QUOTE: 'a quote is inside a value that does not begin with one',
  CSV_MAX_RECORD_SIZE: 'the line is longer than a million characters',
}

/** Reads the first line that is not blank. The returned text is whole again. */
async function peekHeader(text: AsyncIterable<Buffer>) {
  const chunks = text[Symbol.asyncIterator]()
  let start = Buffer.alloc(0)
  let header: string | undefined
  while (header === undefined && start.length < MAX_RECORD_SIZE) {
    const { value, done } = await chunks.next()
    if (done) break
    start = Buffer.concat([start, value])
    header = /^\s*([^\s][^\r\n]*)[\r\n]/.exec(start.toString())?.[1]
  }
  return { header: header ?? start.toString().trim(), whole: continued(start, chunks) }
}

async function* continued(start: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield start
  yield* { [Symbol.asyncIterator]: () => rest }
}

/** The name of each column that is read. */
function columnsOf(cells: readonly string[], column: string): (string | undefined)[] {
  const names = cells.map(nameOf)
  const identifierAt = names.indexOf(nameOf(column))
  if (identifierAt === -1) {
    throw new UsageError(
      `The CSV has no column ${column}, so nothing was changed. Its columns are: ${cells.join(', ')}.`,
      'Name the column of the identifiers with --column. If the list is not complete, give the separator with --delimiter.',
    )
  }
  return names.map((name, position) => {
    if (position === identifierAt) return 'identifier'
    const isWanted = name === 'submitted_at' || name === 'source'
    return isWanted && names.indexOf(name) === position ? name : undefined
  })
}
