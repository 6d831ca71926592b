import { InvalidArgumentError, Option } from '@commander-js/extra-typings'
import type { InvalidEntry } from '../pipeline/queue/input/entry.ts'

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
  return invalid > named.length ? [...lines, `  and ${invalid - named.length} more`] : lines
}
