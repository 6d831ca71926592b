import { type Kysely, sql } from 'kysely'

/** What the data dictionary says of one column. */
export interface ViewColumn {
  /** What it holds, in words that an analyst understands. */
  readonly is: string
  /** Column of another view that it leads to, as `view.column`. */
  readonly joins?: string
  /** What null means; without it, it is never null. */
  readonly null?: string
}

export interface View {
  /** What it is for, and which trap it avoids. */
  readonly about: string
  /** What one row stands for: `classification`, `clip of a classification`. */
  readonly grain: string
  /** Every column, in order. */
  readonly columns: Readonly<Record<string, ViewColumn>>
  /** The query; it names its columns as `columns` does, in the same order. */
  readonly query: string
}

/**
 * Creates a view of the reporting schema with a comment on itself and on each column. The comments are what
 * `data_dictionary` reads: "One row per ...", "Joins: ...", "Null: ...". Migrations of all ages call this, so it only ever
 * issues `CREATE VIEW` and `COMMENT ON`, which take no bind parameters.
 */
export async function createView(db: Kysely<unknown>, name: string, view: View): Promise<void> {
  const target = sql.table(`identifai_reporting.${name}`)
  const columns = sql.join(Object.keys(view.columns).map((column) => sql.id(column)))
  await sql`create view ${target} (${columns}) as ${sql.raw(view.query)}`.execute(db)
  await sql`comment on view ${target} is ${sql.lit(`${view.about} One row per ${view.grain}.`)}`.execute(db)
  for (const [column, said] of Object.entries(view.columns)) {
    await sql`comment on column ${sql.ref(`identifai_reporting.${name}.${column}`)} is ${sql.lit(commentOf(said))}`.execute(
      db,
    )
  }
}

export async function dropView(db: Kysely<unknown>, name: string): Promise<void> {
  await sql`drop view ${sql.table(`identifai_reporting.${name}`)}`.execute(db)
}

function commentOf({ is, joins, null: nullMeans }: ViewColumn): string {
  return [
    is,
    ...(joins === undefined ? [] : [`Joins: ${joins}.`]),
    ...(nullMeans === undefined ? [] : [`Null: ${nullMeans}.`]),
  ].join(' ')
}
