import { constants, createReadStream, existsSync } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { UsageError } from '../../../platform/errors.ts'
import { type EntryStream, isInvalid, parseEntry } from './entry.ts'
import { argumentEntries } from './read-arguments.ts'
import { type CsvOptions, readCsvEntries } from './read-csv.ts'
import { readTextEntries } from './read-text.ts'

export interface Input extends CsvOptions {
  readonly ids: readonly string[]
  /** A path, or `-` for standard input. */
  readonly file: string | undefined
  /** The file is CSV, also where another option or its name does not say so. */
  readonly csv?: boolean | undefined
}

type FileOptions = Omit<Input, 'ids' | 'file'>

/**
 * Opens the entries of the command line: its arguments, a file, or standard input for `-`.
 *
 * @throws UsageError when it has neither or both, an argument is not an identifier, or the file cannot be read.
 */
export async function openInput({ ids, file, ...options }: Input): Promise<EntryStream> {
  if (file !== undefined && ids.length > 0)
    throw new UsageError('There are identifiers and --file.', 'Give identifiers as arguments, or --file.')
  const path = listOf({ ids, file })
  if (path !== undefined) return openFile(path, options)
  if (isCsv(options))
    throw new UsageError('The options of CSV apply to a file only.', 'Give the file with --file.')
  if (ids.length === 0)
    throw new UsageError(
      'There are no identifiers.',
      'Give them as arguments, a file with --file, or - for standard input.',
    )
  if (ids.includes('-')) {
    throw new UsageError(
      'The argument - means standard input, so that it has to be the only one.',
      'Give identifiers as arguments, or - alone.',
    )
  }
  ids.forEach(refuseArgument)
  return argumentEntries(ids)
}

/** The list of a command line: a path, or `-` for standard input. Undefined where its arguments are identifiers. */
export function listOf({ ids, file }: Pick<Input, 'ids' | 'file'>): string | undefined {
  return file ?? (ids.length === 1 && ids[0] === '-' ? '-' : undefined)
}

function isCsv({ csv, ...options }: FileOptions): boolean {
  const { column, submittedAtColumn, sourceColumn, dateFormat, delimiter } = options
  return (
    csv ||
    [column, submittedAtColumn, sourceColumn, dateFormat, delimiter].some((option) => option !== undefined)
  )
}

async function openFile(path: string, options: FileOptions): Promise<EntryStream> {
  if (path !== '-') await refuseUnreadable(path)
  return entriesOfFile(path, options)
}

/** Opens the file when the first entry is read, so that it is closed in any case. */
async function* entriesOfFile(path: string, options: FileOptions): EntryStream {
  const stream = path === '-' ? process.stdin : createReadStream(path)
  yield* isCsv(options) || /\.(csv|tsv)$/i.test(path)
    ? readCsvEntries(stream, options)
    : readTextEntries(stream)
}

function refuseArgument(identifier: string, position: number): void {
  const entry = parseEntry({ line: position + 1, identifier })
  if (isInvalid(entry)) {
    throw new UsageError(
      `Argument ${entry.line} is not an identifier (${entry.reason}), so nothing was changed.`,
      'Correct it.',
    )
  }
  if (/\.(csv|tsv|txt|xlsx?)$/i.test(identifier) && !existsSync(identifier)) {
    throw new UsageError(
      `The argument ${identifier} appears to be a file, but there is none, so nothing was changed.`,
      'Give a file that exists with --file. If it is an identifier, write it to standard input.',
    )
  }
  if (existsSync(identifier)) {
    throw new UsageError(
      `The argument ${identifier} is a file, so nothing was changed.`,
      `To read the identifiers in it, write --file ${identifier}. If it is an identifier, too, write it to standard input.`,
    )
  }
}

async function refuseUnreadable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK)
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message
    throw new UsageError(`${path} cannot be read (${reason}).`, 'Give a file that exists.', { cause: error })
  }
  if ((await stat(path)).isDirectory()) throw new UsageError(`${path} is a directory.`, 'Give a file.')
}
