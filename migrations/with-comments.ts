import { type Kysely, sql } from 'kysely'

/*
 * Tables and views with comments. This file is frozen with 1.0.0, like the migrations that import it: a change here would
 * change what they did. It only ever issues CREATE VIEW, DROP VIEW and COMMENT ON.
 */

/** Columns with their comments, in order. */
export type Columns = Readonly<Record<string, string>>

/** A view of the schema identifai_reporting. The view data_dictionary is made of these comments. */
export interface View {
  /** The purpose of the view and the mistake that it avoids; ends with "One row per …." */
  readonly comment: string
  /** A comment may end with "Joins: view.column." and "Null: meaning of null.", in this order. Without the latter the column is never null. */
  readonly columns: Columns
  /** A SELECT with these columns, in the same order. Their names in it do not matter. */
  readonly query: string
}

/** Puts a comment on a table and on each of the columns. */
export async function commentOnTable(
  db: Kysely<unknown>,
  table: string,
  comment: string,
  columns: Columns,
): Promise<void> {
  await sql`comment on table ${sql.table(table)} is ${sql.lit(comment)}`.execute(db)
  await commentOnColumns(db, table, columns)
}

/** Creates a view of the reporting schema, with a comment on itself and on each column. */
export async function createView(db: Kysely<unknown>, name: string, view: View): Promise<void> {
  await sql`create view ${viewNamed(name)} (${columnNames(view)}) as ${sql.raw(view.query)}`.execute(db)
  await commentOnView(db, name, view)
}

export async function dropViews(db: Kysely<unknown>, ...names: readonly string[]): Promise<void> {
  for (const name of names) await sql`drop view ${viewNamed(name)}`.execute(db)
}

export async function commentOnView(db: Kysely<unknown>, name: string, view: View): Promise<void> {
  await sql`comment on view ${viewNamed(name)} is ${sql.lit(view.comment)}`.execute(db)
  await commentOnColumns(db, `identifai_reporting.${name}`, view.columns)
}

export function columnNames({ columns }: View) {
  return sql.join(Object.keys(columns).map((column) => sql.id(column)))
}

export function viewNamed(name: string) {
  return sql.table(`identifai_reporting.${name}`)
}

async function commentOnColumns(db: Kysely<unknown>, relation: string, columns: Columns): Promise<void> {
  for (const [column, comment] of Object.entries(columns)) {
    await sql`comment on column ${sql.ref(`${relation}.${column}`)} is ${sql.lit(comment)}`.execute(db)
  }
}
