import { InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { NOT_UTF8 } from '../pipeline/queue/input/decode-input.ts'
import type { InvalidEntry } from '../pipeline/queue/input/entry.ts'
import { UsageError } from '../platform/errors.ts'
import { count } from '../platform/terminal/text.ts'

/** The options of commands that read identifiers from a file. */
export const FILE_OPTION = new Option(
  '--file <file>',
  'read identifiers from a file, one a line, or CSV; - is standard input',
)
export const CSV_OPTION = new Option(
  '--csv',
  'the file is CSV with a header, also where its name does not end in .csv or .tsv',
)
export const COLUMN_OPTION = new Option(
  '--column <name>',
  'column of the identifiers in CSV (default: identifier)',
)
export const DELIMITER_OPTION = new Option(
  '--delimiter <character>',
  'separator of the columns in CSV (default: a comma, a semicolon or a tab is detected)',
).argParser(parseDelimiter)

function parseDelimiter(text: string): string {
  const delimiter = /^(tab|\\t)$/i.test(text) ? '\t' : text
  if (delimiter.length !== 1) throw new InvalidArgumentError('It must be one character, or tab.')
  return delimiter
}

/** The lines for the invalid entries of an input. */
export function describeInvalid(entries: {
  readonly invalid: number
  readonly invalid_lines: readonly InvalidEntry[]
}): string[] {
  const { invalid, invalid_lines: named } = entries
  const lines = named.map(({ line, reason }) => `  line ${line}: ${reason}`)
  return [
    ...lines,
    ...(invalid > named.length ? [`  and ${count(invalid - named.length)} more`] : []),
    ...(named.some(({ reason }) => reason === NOT_UTF8)
      ? ['Save the file as UTF-8. A spreadsheet program has a type CSV UTF-8, or an option for it.']
      : []),
  ]
}

/** @throws UsageError for an input without any valid identifier. */
export function refuseEmpty(
  entries: { readonly invalid: number; readonly invalid_lines: readonly InvalidEntry[] },
  consequence: string,
): never {
  if (entries.invalid === 0) {
    throw new UsageError(`The input has no identifier, so ${consequence}.`, 'Give one identifier a line.')
  }
  throw new UsageError(
    `No identifier is valid, so ${consequence}.\n${describeInvalid(entries).join('\n')}`,
    'Correct these lines.',
  )
}
