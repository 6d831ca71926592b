import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { UsageError } from '../../../platform/errors.ts'
import { isInvalid, parseEntry } from './entry.ts'
import { argumentEntries, type EntryStream, readCsvEntries, readTextEntries } from './read-entries.ts'

export interface Input {
  readonly ids: readonly string[]
  /** A path, or `-` for standard input. */
  readonly file: string | undefined
  readonly csv: boolean | undefined
  /** Called with a sentence when the input may not be what the caller meant. */
  readonly onNotice: (notice: string) => void
}

/**
 * Opens the entries of the command line: its arguments, or a file.
 *
 * @throws UsageError when it has neither or both, an argument is not an identifier, or the file cannot be read.
 */
export async function openInput({ ids, file, csv, onNotice }: Input): Promise<EntryStream> {
  if (file === undefined) {
    if (csv) throw new UsageError('--csv applies to a file only.', 'Give the file with --file.')
    if (ids.includes('-'))
      throw new UsageError('The argument - is not an identifier.', 'For standard input, write --file -')
    if (ids.length === 0)
      throw new UsageError(
        'There are no identifiers.',
        'Give them as arguments, or a file with --file (- for standard input).',
      )
    rejectInvalid(ids)
    return argumentEntries(ids)
  }
  if (ids.length > 0)
    throw new UsageError('There are identifiers and --file.', 'Give identifiers as arguments, or --file.')
  const stream = file === '-' ? process.stdin : await openFile(file)
  return csv || file.toLowerCase().endsWith('.csv')
    ? readCsvEntries(stream, (name) =>
        onNotice(`No column is called identifier, so the first one is used. Its header is "${name}".`),
      )
    : readTextEntries(stream)
}

function rejectInvalid(ids: readonly string[]): void {
  for (const [position, identifier] of ids.entries()) {
    const entry = parseEntry({ line: position + 1, identifier })
    if (isInvalid(entry)) {
      throw new UsageError(
        `Argument ${entry.line} is not an identifier (${entry.reason}), so nothing was enqueued.`,
        'Correct it.',
      )
    }
  }
}

async function openFile(file: string): Promise<Readable> {
  try {
    const handle = await open(file)
    if ((await handle.stat()).isDirectory()) throw new UsageError(`${file} is a directory.`, 'Give a file.')
    return handle.createReadStream()
  } catch (error) {
    if (error instanceof UsageError) throw error
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message
    throw new UsageError(`${file} cannot be read (${reason}).`, 'Give a file that exists.', { cause: error })
  }
}
