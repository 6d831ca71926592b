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
  /** The column of the identifiers; `identifier` by default. */
  readonly column?: string | undefined
  /** Also reads `submitted_at` and `source`, which may have other names. A column that is named here has to exist. */
  readonly withMetadata?: boolean | undefined
  readonly submittedAtColumn?: string | undefined
  readonly sourceColumn?: string | undefined
  /** A form of `submitted_at`, which then has to exist. */
  readonly dateFormat?: DateFormat | undefined
  /** One character; undefined to detect a comma, a semicolon or a tab. */
  readonly delimiter?: string | undefined
  /** Called with the names of the columns that are not read. */
  readonly onIgnored?: ((columns: readonly string[]) => void) | undefined
}

/**
 * CSV (RFC 4180) with a header line. Of two columns with the same name, the first one counts.
 *
 * @throws UsageError when a column is missing, or with the line and the column where the text is no longer CSV.
 */
export async function* readCsvEntries(stream: Readable, options: CsvOptions): EntryStream {
  const { header, whole } = await peekHeader(decodeInput(stream))
  const parser = parse({
    columns: (cells: string[]) => columnsOf(cells, options),
    delimiter: options.delimiter ?? detectDelimiter(header, options.column ?? 'identifier'),
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
      const line = info.lines
      if (hasMoreCells(info.error)) {
        yield { line, reason: 'has more values than columns: quotes are missing around one with a separator' }
        continue
      }
      yield parseEntry({
        line,
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
  readonly record: Partial<Record<FieldName, string>>
  readonly info: { readonly lines: number; readonly error?: (CsvError & InconsistentCells) | undefined }
}

/** A record with another number of cells than the header. */
interface InconsistentCells {
  readonly record: readonly string[]
  readonly columns: readonly unknown[]
}

/** Returns true when a record has a value beyond its columns. Fewer cells, and empty ones at the end, are usual. */
function hasMoreCells(error: CsvRecord['info']['error']): boolean {
  return error?.record.slice(error.columns.length).some((cell) => cell.trim() !== '') ?? false
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

type FieldName = 'identifier' | 'submitted_at' | 'source'

/** A value of each record, and the column that has it. */
interface Field {
  readonly name: FieldName
  readonly column: string
  /** The option that names the column. */
  readonly option: string
  readonly isRequired: boolean
}

function fieldsOf(options: CsvOptions): readonly Field[] {
  const { column = 'identifier', submittedAtColumn, sourceColumn, dateFormat } = options
  const identifier = { name: 'identifier', column, option: '--column', isRequired: true } as const
  if (!options.withMetadata) return [identifier]
  return [
    identifier,
    {
      name: 'submitted_at',
      column: submittedAtColumn ?? 'submitted_at',
      option: '--submitted-at-column',
      isRequired: (submittedAtColumn ?? dateFormat) !== undefined,
    },
    {
      name: 'source',
      column: sourceColumn ?? 'source',
      option: '--source-column',
      isRequired: sourceColumn !== undefined,
    },
  ]
}

/** The field that each column has; undefined for a column that is not read. */
function columnsOf(cells: readonly string[], options: CsvOptions): (FieldName | undefined)[] {
  const names = cells.map(nameOf)
  const columns: (FieldName | undefined)[] = names.map(() => undefined)
  for (const field of fieldsOf(options)) {
    const position = names.indexOf(nameOf(field.column))
    if (position !== -1) columns[position] = field.name
    else if (field.isRequired) refuseMissing(field, cells)
  }
  options.onIgnored?.(cells.filter((_, position) => columns[position] === undefined))
  return columns
}

function refuseMissing({ name, column, option }: Field, cells: readonly string[]): never {
  throw new UsageError(
    `The CSV has no column ${column}, so nothing was changed. Its columns are: ${cells.join(', ')}.`,
    `Name the column of ${name === 'identifier' ? 'the identifiers' : name} with ${option}. If the list is not complete, give the separator with --delimiter.`,
  )
}
