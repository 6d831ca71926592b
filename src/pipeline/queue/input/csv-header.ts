/** The separators of columns that are detected. */
export const DELIMITERS = [',', ';', '\t'] as const

/** The names of columns in a header line, in lower case. */
export function cellsOf(header: string, delimiter: string): string[] {
  return header.split(delimiter).map((cell) => nameOf(cell.trim().replace(/^"(.*)"$/, '$1')))
}

/** The name of a column as it is compared. */
export function nameOf(cell: string): string {
  return cell.trim().toLowerCase()
}

/** Detects the separator of the columns of a header line: with it, the line has this column, or else the most columns. */
export function detectDelimiter(header: string, column: string): string {
  const wanted = nameOf(column)
  const withColumn = DELIMITERS.find((delimiter) => cellsOf(header, delimiter).includes(wanted))
  const [most] = DELIMITERS.toSorted(
    (one, other) => cellsOf(header, other).length - cellsOf(header, one).length,
  )
  return withColumn ?? (most as string)
}
