import { type Kysely, sql } from 'kysely'
import type { Endpoint } from '../../media/endpoint.ts'
import type { ContentRows } from '../../media/endpoint.ts'
import { endpointOf } from '../../media/registry.ts'
import type { JsonObject } from '../../platform/json.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { columnsOf, type DataTable, typeOf } from '../../platform/postgres/table.ts'
import { CLASSIFICATIONS, type ClassificationRow } from '../../platform/postgres/tables/classifications.ts'

/** All rows of one classification in the data tables, and the payload that they were made from. */
export interface StoredClassification {
  readonly endpoint: Endpoint
  readonly row: ClassificationRow
  readonly children: ContentRows['children']
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

/** Reads these classifications with their child rows, by id, in the form in which rows are written. */
export async function readStored(
  db: Kysely<Database>,
  ids: readonly number[],
): Promise<StoredClassification[]> {
  const rows = await readTable<ClassificationRow>(db, CLASSIFICATIONS, ids)
  const payloads = await readPayloads(db, ids)
  const endpoints = new Set(rows.map(({ media }) => endpointOf(media)))
  const childRows = new Map<DataTable, Map<number, ChildRow[]>>()
  for (const table of [...endpoints].flatMap(({ tables }) => tables)) {
    const children = await readTable<ChildRow>(db, table, ids)
    childRows.set(
      table,
      Map.groupBy(children, (child) => child.classification_id),
    )
  }
  return rows.map((row) => {
    const id = row.classification_id
    const endpoint = endpointOf(row.media)
    const children = endpoint.tables.map((table) => [table.name, childRows.get(table)?.get(id) ?? []])
    return { endpoint, row, children: Object.fromEntries(children), payload: payloads.get(id) ?? null }
  })
}

interface ChildRow {
  readonly classification_id: number
}

/** Reads rows as they are written: JSON as its text, times as UTC text. */
async function readTable<Row>(
  db: Kysely<Database>,
  table: DataTable,
  ids: readonly number[],
): Promise<Row[]> {
  const cells = columnsOf(table).map((name) => {
    const column = sql.ref(name)
    const type = typeOf(table.columns[name] as Parameters<typeof typeOf>[0])
    if (type === 'jsonb') return sql`${column}::text as ${column}`
    return type === 'timestamptz' ? sql`${utcText(column)} as ${column}` : column
  })
  const order = ['classification_id', ...table.order].map((name) => sql.ref(name))
  const { rows } = await sql<Row>`
    select ${sql.join(cells)} from identifai.${sql.ref(table.name)}
    where classification_id = any(${ids}::bigint[]) order by ${sql.join(order)}`.execute(db)
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
