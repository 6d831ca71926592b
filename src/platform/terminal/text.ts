import { printable } from '../text.ts'
import { timeText } from '../time.ts'

/** 1234567 → 1,234,567 */
export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** `1 identifier`, `2 identifiers`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`
}

/** `45 seconds`, `12.5 minutes`, `3.2 hours` */
export function durationText(minutes: number): string {
  if (minutes < 1) return counted(Math.ceil(minutes * 60), 'second')
  if (minutes < 120) return `${minutes.toFixed(1)} minutes`
  return `${(minutes / 60).toFixed(1)} hours`
}

type Cell = string | number | boolean | Date | null

/** Formats a small table for people: a header, a rule, numbers to the right, null as an empty cell. */
export function textTable(rows: readonly Readonly<Record<string, Cell>>[], indent = ''): string {
  const columns = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => columns.map((column) => cellText(row[column] ?? null)))
  const widths = columns.map((column, position) =>
    Math.max(column.length, ...cells.map((line) => (line[position] as string).length)),
  )
  const isNumeric = columns.map((column) => rows.some((row) => typeof row[column] === 'number'))
  const line = (texts: readonly string[]) =>
    indent +
    texts
      .map((text, position) => {
        const width = widths[position] as number
        return isNumeric[position] ? text.padStart(width) : text.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [line(columns), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n')
}

function cellText(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'number') return Number.isInteger(cell) ? cell.toLocaleString('en-US') : String(cell)
  if (cell instanceof Date) return timeText(cell)
  return printable(String(cell))
}
