import { type Kysely, sql } from 'kysely'
import type { ContentRows } from '../../src/media/endpoint.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import type { ClassificationRow } from '../../src/platform/postgres/tables/classifications.ts'

/**
 * The rows of every classification, by identifier, as plain SELECTs ordered by key read them. The columns are those of the
 * database's catalog, so that a column which the code forgets is noticed. Reads jsonb as text, as rows are written.
 */
export async function readContentRows(db: Kysely<Database>): Promise<Map<string, ContentRows>> {
  const classifications = await readTable<ClassificationRow>(db, 'classifications', [])
  const reads = Object.entries(CHILDREN).map(
    async ([table, key]) =>
      [table, Map.groupBy(await readTable(db, table, key), (row) => row.classification_id)] as const,
  )
  const tables = await Promise.all(reads)
  return new Map(
    classifications.map((row) => {
      const { revision_no: _, observed_at: __, run_id: ___, ...classification } = row
      const own = tables.map(([table, rows]) => [table, rows.get(classification.classification_id) ?? []])
      return [classification.identifier, { classification, children: Object.fromEntries(own) }]
    }),
  )
}

/** The tables of audio, with the columns of their keys after classification_id. Not derived from the code under test. */
const CHILDREN = {
  clips: ['clip_no'],
  verdicts: ['verdict_no'],
  model_results: ['result_no'],
}

async function readTable<Row extends { readonly classification_id: number }>(
  db: Kysely<Database>,
  table: string,
  key: readonly string[],
): Promise<Row[]> {
  const { rows: columns } = await sql<{ name: string; type: string }>`
    select attname as name, format_type(atttypid, atttypmod) as type from pg_catalog.pg_attribute
    where attrelid = ${`identifai.${table}`}::regclass and attnum > 0 and not attisdropped
    order by attnum`.execute(db)
  const cells = columns.map(({ name, type }) =>
    type === 'jsonb' ? sql`${sql.ref(name)}::text as ${sql.ref(name)}` : sql.ref(name),
  )
  const order = ['classification_id', ...key].map((name) => sql.ref(name))
  const { rows } = await sql<Row>`
    select ${sql.join(cells)} from identifai.${sql.ref(table)} order by ${sql.join(order)}`.execute(db)
  return rows
}
