import type { ColumnType } from 'kysely'
import type { Json } from '../json.ts'

/** PostgreSQL's types in use: as a query reads them, and as a statement or COPY takes them. */
interface Types {
  bigint: [read: number, written: number]
  integer: [read: number, written: number]
  smallint: [read: number, written: number]
  'double precision': [read: number, written: number]
  boolean: [read: boolean, written: boolean]
  text: [read: string, written: string]
  'text[]': [read: string[], written: string[]]
  uuid: [read: string, written: string]
  bytea: [read: Buffer, written: Buffer]
  /** Keeps its text; written as JSON text in UTF-8. */
  json: [read: Json, written: Buffer]
  /** Keeps its values; written as JSON text. */
  jsonb: [read: Json, written: string]
  /**
   * A Date has milliseconds only. Where microseconds count (bounds of an interval, sealed rows), statements read the
   * time as text and write that text.
   */
  timestamptz: [read: Date, written: Date | string]
}

export type TypeName = keyof Types

/** The type as the migration declares it; `default` marks a column that an INSERT may leave out. */
type Declaration = `${TypeName}${'' | ' not null'}${'' | ' default'}`

/** A declaration, with the values that the column can hold where they are few. */
export type Column = Declaration | readonly [Declaration, readonly string[]]

/** A table of the schema `identifai`: the one list of its columns, in their order in the database. */
export interface Table {
  readonly name: string
  readonly columns: Readonly<Record<string, Column>>
}

/** A table of rows that belong to one classification; all their columns are written. */
export interface DataTable extends Table {
  /** Columns of the primary key after `classification_id`: the order of the rows of one classification. */
  readonly order: readonly string[]
}

/** Keeps the literal types of a table, from which its rows are inferred. */
export function defineTable<const T extends Table>(table: T): T {
  return table
}

/** Names of the columns, in the order of the database. */
export function columnsOf<T extends Table>(table: T): (keyof T['columns'] & string)[] {
  return Object.keys(table.columns)
}

/** Type of a column without `not null` and `default`. */
export function typeOf(column: Column): TypeName {
  const declaration = typeof column === 'string' ? column : column[0]
  return declaration.replace(/( not null)?( default)?$/, '') as TypeName
}

type DeclarationOf<C> = C extends readonly [infer D, unknown] ? D : C

type TypeNameOf<D> = D extends `${infer T} not null${string}` ? T : D extends `${infer T} default` ? T : D

type NullOf<D> = D extends `${string} not null${string}` ? never : null

type ValueOf<C, Side extends 0 | 1> = C extends readonly [infer D, readonly (infer Value)[]]
  ? (TypeNameOf<D> extends 'text[]' ? Value[] : Value) | NullOf<D>
  : Types[TypeNameOf<C> & TypeName][Side] | NullOf<C>

type LeftOut<D> = D extends `${string} default` ? undefined : never

/** The table as Kysely knows it. */
export type KyselyTable<T extends Table> = {
  [Name in keyof T['columns']]: ColumnType<
    ValueOf<T['columns'][Name], 0>,
    ValueOf<T['columns'][Name], 1> | LeftOut<DeclarationOf<T['columns'][Name]>>,
    ValueOf<T['columns'][Name], 1>
  >
}

/** A row to write, with a value for every column. */
export type Row<T extends Table> = {
  -readonly [Name in keyof T['columns']]: ValueOf<T['columns'][Name], 1>
}

/** A row as a query reads it. */
export type ReadRow<T extends Table> = {
  -readonly [Name in keyof T['columns']]: ValueOf<T['columns'][Name], 0>
}
