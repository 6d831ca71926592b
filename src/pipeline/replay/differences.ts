import { canonicalJson } from '../../platform/canonical-json.ts'
import { isJsonObject, type Json } from '../../platform/json.ts'
import type { ContentRows } from '../../media/row-set.ts'

/** One cell, or one row, that is not the same in two versions of the rows of one classification. */
export interface Difference {
  /** The column, `verdicts.confidence`; the table alone when a whole row is new or gone. */
  readonly column: string
  /** The ordinal of the row in its table; null for the classification itself. */
  readonly row: number | null
  readonly before: Json
  readonly after: Json
}

/** Compares rows by their ordinals and values. The link to the result is left out: it is no content. */
export function differences(before: ContentRows, after: ContentRows): Difference[] {
  return [
    ...cellsOf('classifications', null, plain(before.classification), plain(after.classification)),
    ...CHILDREN.flatMap(([table, rows]) => rowsOf(table, before[rows], after[rows])),
  ]
}

const CHILDREN = [
  ['clips', 'clips'],
  ['verdicts', 'verdicts'],
  ['verdict_models', 'verdictModels'],
  ['model_results', 'modelResults'],
  ['model_scores', 'modelScores'],
] as const satisfies readonly (readonly [string, keyof ContentRows])[]

function rowsOf(table: string, before: readonly object[], after: readonly object[]): Difference[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, row) => {
    const [old, now] = [before[row], after[row]]
    if (old && now) return cellsOf(table, row, plain(old), plain(now))
    return [{ column: table, row, before: old ? plain(old) : null, after: now ? plain(now) : null }]
  }).flat()
}

type Row = Readonly<Record<string, Json>>

function cellsOf(table: string, row: number | null, before: Row, after: Row): Difference[] {
  return Object.keys(after)
    .filter((name) => name !== 'result_url')
    .map((name) => ({
      column: `${table}.${name}`,
      row,
      before: before[name] ?? null,
      after: after[name] ?? null,
    }))
    .filter(({ before: old, after: now }) => old !== now && canonicalJson(old) !== canonicalJson(now))
}

const JSONB = new Set(['extra', 'classification_details'])

/** The row with its jsonb parsed: PostgreSQL writes it in another order and with other blanks. */
function plain(row: object): Row {
  const cells = Object.entries(row as Row).map(([name, value]) => [
    name,
    JSONB.has(name) && typeof value === 'string' ? (JSON.parse(value) as Json) : value,
  ])
  const read = Object.fromEntries(cells) as Json
  if (!isJsonObject(read)) throw new TypeError('a row is an object')
  return read
}
