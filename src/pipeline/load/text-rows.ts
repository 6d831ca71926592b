/** A cell to write; JSON as its text, lists of plain words only. */
type Cell = string | number | boolean | null | Date | readonly string[]

/** Writes COPY's text format: a line for each row, tabs between cells, `\N` for null, backslash escapes. */
export function textRows(columns: readonly string[], rows: readonly object[]): string {
  let text = ''
  for (const row of rows as readonly Readonly<Record<string, Cell>>[]) {
    for (let position = 0; position < columns.length; position++) {
      if (position > 0) text += '\t'
      text += encodeCell(row[columns[position] as string] as Cell)
    }
    text += '\n'
  }
  return text
}

function encodeCell(cell: Cell): string {
  if (cell === null) return '\\N'
  if (typeof cell === 'string') return escapeText(cell)
  if (typeof cell === 'number') return String(cell)
  if (typeof cell === 'boolean') return cell ? 't' : 'f'
  if (cell instanceof Date) return cell.toISOString()
  return `{${cell.join(',')}}`
}

const SPECIAL = /[\\\n\r\t]/
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escapeText(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[\\\n\r\t]/g, (character) => ESCAPES[character] as string) : text
}
