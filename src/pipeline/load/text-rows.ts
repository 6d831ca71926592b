/** A cell to write; JSON as its text, or as that text in UTF-8. */
export type Cell = string | number | boolean | null | Date | Buffer | readonly string[]

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
  const text = cellText(cell)
  if (text === null) return '\\N'
  return typeof cell === 'number' || typeof cell === 'boolean' || cell instanceof Date
    ? text
    : escapeText(text)
}

/** The text form of a cell, as PostgreSQL reads it for the type of the column. */
export function cellText(cell: Cell): string | null {
  if (cell === null) return null
  if (typeof cell === 'string') return cell
  if (typeof cell === 'number') return Object.is(cell, -0) ? '-0' : String(cell)
  if (typeof cell === 'boolean') return cell ? 't' : 'f'
  if (cell instanceof Date) return cell.toISOString()
  if (Buffer.isBuffer(cell)) return cell.toString()
  return `{${cell.map(quoteElement).join(',')}}`
}

/** An element of an array literal. Without quotes, some texts would mean something else: NULL, a comma, an empty text. */
function quoteElement(element: string): string {
  return `"${/["\\]/.test(element) ? element.replace(/["\\]/g, '\\$&') : element}"`
}

const SPECIAL = /[\\\n\r\t]/
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escapeText(text: string): string {
  return SPECIAL.test(text) ? text.replace(/[\\\n\r\t]/g, (character) => ESCAPES[character] as string) : text
}
