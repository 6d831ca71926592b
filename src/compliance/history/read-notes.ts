import { createReadStream } from 'node:fs'
import { CsvError, parse } from 'csv-parse/sync'
import { cellsOf, detectDelimiter, nameOf } from '../../pipeline/queue/input/csv-header.ts'
import { decodeInput } from '../../pipeline/queue/input/decode-input.ts'
import { UsageError } from '../../platform/errors.ts'
import { isBlank } from '../../platform/text.ts'
import type { GivenNote } from './annotate.ts'

const REQUIRED = ['author', 'reason'] as const
const OPTIONAL = ['hash', 'forced_to', 'ticket', 'reviewer', 'corrects'] as const

type Cells = Partial<Record<(typeof REQUIRED)[number] | (typeof OPTIONAL)[number], string>>

/** The labels of a note. */
const NOTE_LABELS = ['human', 'artificial', 'none'] as const

/**
 * Reads notes from CSV (RFC 4180) with a header line, each with its line in the file.
 *
 * @throws UsageError when the file cannot be read, or a line is no note, with all such lines.
 */
export async function readNotes(
  path: string,
  media: string,
): Promise<(GivenNote & { readonly line: number })[]> {
  const records = parseCsv(await readText(path))
  const problems: string[] = []
  const notes = records.flatMap(({ record, line }) => {
    const problem = problemOf(record)
    if (problem !== undefined) problems.push(`  line ${line}: ${problem}`)
    return problem === undefined ? [{ line, ...noteOf(record, media) }] : []
  })
  if (problems.length > 0) {
    throw new UsageError(
      `${problems.length} of ${records.length} lines are no notes, so none was written:\n${problems.join('\n')}`,
      'Correct these lines.',
    )
  }
  if (notes.length === 0)
    throw new UsageError(`${path} has no notes.`, 'Give one note a line, after the header.')
  return notes
}

async function readText(path: string): Promise<string> {
  try {
    const stream = path === '-' ? process.stdin : createReadStream(path)
    return Buffer.concat(await Array.fromAsync(decodeInput(stream))).toString()
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(
      `${path} cannot be read (${(error as Error).message}).`,
      'Give a CSV file with the columns hash, forced_to, author and reason.',
      { cause: error },
    )
  }
}

function parseCsv(text: string): { readonly record: Cells; readonly line: number }[] {
  const [header = ''] = text.trimStart().split(/\r?\n|\r/, 1)
  const delimiter = detectDelimiter(header, 'reason')
  refuseHeader(cellsOf(header, delimiter))
  try {
    const records = parse(text, {
      columns: (cells: string[]) => cells.map(nameOf),
      delimiter,
      info: true,
      trim: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
    }) as unknown as { readonly record: Cells; readonly info: { readonly lines: number } }[]
    return records.map(({ record, info }) => ({ record, line: info.lines }))
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw new UsageError(
      `The notes are not CSV, so none was written: ${error.message}.`,
      'Correct that line. A value with a separator or a line break needs quotes around it.',
      { cause: error },
    )
  }
}

/** A misspelled column would lose what it has. */
function refuseHeader(cells: readonly string[]): void {
  const known: readonly string[] = [...REQUIRED, ...OPTIONAL]
  const missing = REQUIRED.filter((name) => !cells.includes(name))
  const unknown = cells.filter((name) => !known.includes(name))
  if (missing.length === 0 && unknown.length === 0 && new Set(cells).size === cells.length) return
  throw new UsageError(
    `The columns of the notes are ${cells.join(', ')}, so none was written.`,
    `Give each of these once: ${known.join(', ')}. Only ${REQUIRED.join(' and ')} are always required.`,
  )
}

function problemOf({
  hash = '',
  forced_to = '',
  author = '',
  reason = '',
  corrects = '',
}: Cells): string | undefined {
  if (isBlank(author)) return 'author is blank'
  if (isBlank(reason)) return 'reason is blank'
  if (corrects !== '') {
    if (!/^[1-9]\d{0,14}$/.test(corrects)) return `corrects is not the number of a note: ${corrects}`
    return hash + forced_to === ''
      ? undefined
      : 'a correction has the hash and forced_to of its note: leave them out'
  }
  if (isBlank(hash)) return 'hash is blank'
  return (NOTE_LABELS as readonly string[]).includes(forced_to)
    ? undefined
    : `forced_to is not one of ${NOTE_LABELS.join(', ')}: ${forced_to}`
}

function noteOf(cells: Cells, media: string): GivenNote {
  const { hash = '', forced_to = '', author = '', reason = '', corrects = '' } = cells
  const common = { media, author, reason, ticket: cells.ticket || null, reviewer: cells.reviewer || null }
  return corrects === ''
    ? { ...common, file_hash: hash, forced_to }
    : { ...common, corrects: Number(corrects) }
}
