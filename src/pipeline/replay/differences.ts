import type { Endpoint } from '../../media/endpoint.ts'
import { canonicalJson } from '../../platform/canonical-json.ts'
import type { Json } from '../../platform/json.ts'
import { type Table, typeOf } from '../../platform/postgres/table.ts'
import { CLASSIFICATIONS } from '../../platform/postgres/tables/classifications.ts'
import type { Content } from '../load/write-content.ts'

/** One cell, or one row, that differs between two versions of the rows of one classification. */
export interface Difference {
  /** The column, `verdicts.confidence`; the table alone for a row that is added or removed. */
  readonly column: string
  /** The ordinal of the row in its table; null for the classification itself. */
  readonly row: number | null
  readonly before: Json
  readonly after: Json
}

/** Compares rows by their ordinals and values, without the link to the result, which is not content. */
export function differences(
  endpoint: Endpoint,
  before: Content,
  after: { readonly row: object; readonly children: Content['children'] },
): Difference[] {
  return [
    ...cellsOf(CLASSIFICATIONS, null, before.row, after.row),
    ...endpoint.tables.flatMap((table) =>
      rowsOf(table, before.children[table.name] ?? [], after.children[table.name] ?? []),
    ),
  ]
}

function rowsOf(table: Table, before: readonly object[], after: readonly object[]): Difference[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, row) => {
    const [old, now] = [before[row], after[row]]
    if (old && now) return cellsOf(table, row, old, now)
    return [
      {
        column: table.name,
        row,
        before: old ? parsed(table, old) : null,
        after: now ? parsed(table, now) : null,
      },
    ]
  }).flat()
}

type Row = Readonly<Record<string, Json>>

/** Compares the columns that `after` has. */
function cellsOf(table: Table, row: number | null, before: object, after: object): Difference[] {
  const [old, now] = [parsed(table, before), parsed(table, after)]
  return Object.keys(now)
    .filter((name) => name !== 'result_url')
    .map((name) => ({
      column: `${table.name}.${name}`,
      row,
      before: old[name] ?? null,
      after: now[name] ?? null,
    }))
    .filter((cell) => cell.before !== cell.after && canonicalJson(cell.before) !== canonicalJson(cell.after))
}

/** The row with its jsonb parsed, because PostgreSQL writes it in another order and with other white space. */
function parsed({ columns }: Table, row: object): Row {
  return Object.fromEntries(
    Object.entries(row as Row).map(([name, value]) => {
      const column = columns[name]
      const isJson = column !== undefined && typeOf(column) === 'jsonb' && typeof value === 'string'
      return [name, isJson ? (JSON.parse(value) as Json) : value]
    }),
  )
}
