/** Compiles only while the table types are those of the database; see schema-drift.ts. */
import type { Insertable, Selectable } from 'kysely'
import type { DB } from '../node_modules/.cache/schema-drift/database.ts'
import type { Database } from '../src/platform/postgres/database.ts'

/** Our types are narrower for a text of few values and for JSON, so the comparison widens them. */
type Widened<T> = {
  [K in keyof T]: T[K] extends string ? string : T[K] extends string | null ? string | null : Jsonless<T[K]>
}
type Jsonless<T> = [string | number | boolean] extends [T] ? 'json' : T

/** Columns that an insert may leave out. JSON columns do not count, because the generator's JSON type includes null. */
type Optional<Table> = {
  [K in keyof Insertable<Table>]-?: Widened<Selectable<Table>>[K & keyof Selectable<Table>] extends 'json'
    ? never
    : undefined extends Insertable<Table>[K]
      ? K
      : never
}[keyof Insertable<Table>]

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : { ours: A; database: B }

type Compared = {
  [Table in keyof Database | keyof DB]: Table extends keyof Database & keyof DB
    ? [
        Same<Widened<Selectable<Database[Table]>>, Widened<Selectable<DB[Table]>>>,
        Same<keyof Database[Table], keyof DB[Table]>,
        Same<Optional<Database[Table]>, Optional<DB[Table]>>,
      ]
    : 'only on one side'
}

type Agreement = { [Table in keyof Compared]: [true, true, true] }

declare const compared: Compared
/** An error here names the table and the side that differs. */
export const agreement: Agreement = compared
