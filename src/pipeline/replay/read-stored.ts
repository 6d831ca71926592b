import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Endpoint } from '../../media/endpoint.ts'
import { CONTENT_TABLES, endpointOf } from '../../media/registry.ts'
import type { JsonObject } from '../../platform/json.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { columnsOf, type DataTable, typeOf } from '../../platform/postgres/table.ts'
import type { ClassificationRow } from '../../platform/postgres/tables/classifications.ts'
import type { Rows } from './differences.ts'

/** All rows of one classification in the data tables, and the payload that they were made from. */
export interface StoredClassification {
  readonly endpoint: Endpoint
  readonly row: ClassificationRow
  readonly rows: Rows
  /** Null when it was pruned. */
  readonly payload: JsonObject | null
}

/** The next classifications after an id, by id, whose content was first received at `since` or later. */
export async function nextClassifications(
  db: Kysely<Database>,
  options: { readonly after: number; readonly since: string | null; readonly limit: number },
): Promise<number[]> {
  const rows = await db
    .selectFrom('identifai.classifications')
    .select('classification_id')
    .where('classification_id', '>', options.after)
    .$if(options.since !== null, (query) =>
      query.where('observed_at', '>=', sql<Date>`${options.since}::timestamptz`),
    )
    .orderBy('classification_id')
    .limit(options.limit)
    .execute()
  return rows.map((row) => row.classification_id)
}

/** Reads these classifications, by id. */
export async function readStored(
  db: Kysely<Database>,
  ids: readonly number[],
): Promise<StoredClassification[]> {
  const stored = await readRows(db, sql<boolean>`classification_id = any(${ids}::bigint[])`)
  const payloads = await readPayloads(db, ids)
  return [...stored].flatMap(([id, rows]) => {
    const [row] = rows.classifications as readonly ClassificationRow[]
    return row ? [{ endpoint: endpointOf(row.media), row, rows, payload: payloads.get(id) ?? null }] : []
  })
}

/** Reads the rows of the classifications that a condition on `classification_id` selects, in the form in which rows are written. */
export async function readRows(
  db: Kysely<Database>,
  isSelected: RawBuilder<boolean>,
): Promise<Map<number, Rows>> {
  const found = new Map<number, Record<string, readonly object[]>>()
  for (const table of CONTENT_TABLES) {
    const rows = await readTable(db, table, isSelected)
    for (const [id, ofOne] of Map.groupBy(rows, (row) => row.classification_id)) {
      found.set(id, { ...found.get(id), [table.name]: ofOne })
    }
  }
  return found
}

/** Reads rows as they are written: JSON as its text, times as UTC text. */
async function readTable(db: Kysely<Database>, table: DataTable, isSelected: RawBuilder<boolean>) {
  const cells = columnsOf(table).map((name) => {
    const column = sql.ref(name)
    const type = typeOf(table.columns[name] as Parameters<typeof typeOf>[0])
    if (type === 'jsonb') return sql`${column}::text as ${column}`
    return type === 'timestamptz' ? sql`${utcText(column)} as ${column}` : column
  })
  const order = ['classification_id', ...table.order].map((name) => sql.ref(name))
  const { rows } = await sql<{ readonly classification_id: number }>`
    select ${sql.join(cells)} from identifai.${sql.ref(table.name)}
    where ${isSelected} order by ${sql.join(order)}`.execute(db)
  return rows
}

async function readPayloads(db: Kysely<Database>, ids: readonly number[]): Promise<Map<number, JsonObject>> {
  const rows = await db
    .selectFrom('identifai.revision_payloads as p')
    .innerJoin('identifai.classifications as c', (join) =>
      join
        .onRef('c.classification_id', '=', 'p.classification_id')
        .onRef('c.revision_no', '=', 'p.revision_no'),
    )
    .select(['p.classification_id', 'p.payload'])
    .where(sql<boolean>`p.classification_id = any(${ids}::bigint[])`)
    .execute()
  return new Map(rows.map((row) => [row.classification_id, row.payload as JsonObject]))
}
