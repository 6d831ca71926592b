import { isDeepStrictEqual } from 'node:util'
import type { ContentRows } from '../../media/endpoint.ts'
import { CONTENT_TABLES } from '../../media/registry.ts'
import type { Json } from '../../platform/json.ts'
import { columnsOf, type DataTable, typeOf } from '../../platform/postgres/table.ts'
import { CLASSIFICATIONS } from '../../platform/postgres/tables/classifications.ts'

/** The rows of one classification by table, each list in the order of its ordinals. */
export type Rows = Readonly<Record<string, readonly object[]>>

/** The same of a normalized record. */
export function rowsOf({ classification, children }: ContentRows): Rows {
  return { ...children, [CLASSIFICATIONS.name]: [classification] }
}

/** One cell, or one row, that differs between two versions of the rows of one classification. */
export interface Difference {
  /** The column, `verdicts.confidence`; the table alone for a row that is added or removed. */
  readonly column: string
  /** The ordinal of the row in its table; null for the classification itself. */
  readonly row: number | null
  readonly before: Json
  readonly after: Json
}

/**
 * Compares rows by their ordinals, and their values in the columns that `after` has. Leaves out the link to the result,
 * which is not content.
 */
export function differences(before: Rows, after: Rows): Difference[] {
  return CONTENT_TABLES.flatMap((table) =>
    compareTable(table, before[table.name] ?? [], after[table.name] ?? []),
  )
}

type Row = Readonly<Record<string, Json>>

function compareTable(table: DataTable, before: readonly object[], after: readonly object[]): Difference[] {
  const found: Difference[] = []
  for (let [b, a] = [0, 0]; b < before.length || a < after.length; ) {
    const order = placeOf(table, before[b]) - placeOf(table, after[a])
    const old = order <= 0 ? before[b++] : undefined
    const now = order >= 0 ? after[a++] : undefined
    found.push(...compareRow(table, old as Row | undefined, now as Row | undefined))
  }
  return found
}

/** The place of a row in the order of its table; no row is behind all others. */
function placeOf(table: DataTable, row: object | undefined): number {
  return row === undefined ? Number.POSITIVE_INFINITY : (ordinalOf(table, row as Row) ?? 0)
}

function ordinalOf({ order }: DataTable, row: Row): number | null {
  const [ordinal] = order
  return ordinal === undefined ? null : (row[ordinal] as number)
}

function compareRow(table: DataTable, old: Row | undefined, now: Row | undefined): Difference[] {
  const row = ordinalOf(table, (old ?? now) as Row)
  if (!old || !now) {
    return [{ column: table.name, row, before: parsed(table, old), after: parsed(table, now) }]
  }
  return columnsOf(table)
    .filter((name) => name in now && name !== 'result_url' && old[name] !== now[name])
    .map((name) => ({
      column: `${table.name}.${name}`,
      row,
      before: parsedCell(table, name, old[name]),
      after: parsedCell(table, name, now[name]),
    }))
    .filter((cell) => !isDeepStrictEqual(cell.before, cell.after))
}

function parsed(table: DataTable, row: Row | undefined): Json {
  if (row === undefined) return null
  return Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, parsedCell(table, name, cell)]))
}

/** A cell with its jsonb parsed, because PostgreSQL writes it in another order and with other white space. */
function parsedCell({ columns }: DataTable, name: string, cell: Json = null): Json {
  const column = columns[name]
  const isJson = column !== undefined && typeOf(column) === 'jsonb' && typeof cell === 'string'
  return isJson ? (JSON.parse(cell) as Json) : cell
}
