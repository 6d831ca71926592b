import type { ColumnType } from 'kysely'
import type { Json } from '../json.ts'

/**
 * timestamptz. Read as a Date it is cut to milliseconds; where microseconds count (bounds of an interval, leaves
 * of the chain) statements read it as text and write that text back.
 */
export type Timestamp = ColumnType<Date, Date | string, Date | string>

/** A column that fills itself when an insert leaves it out; unlike Kysely's own, it looks into a ColumnType. */
export type Generated<T> =
  T extends ColumnType<infer S, infer I, infer U>
    ? ColumnType<S, I | undefined, U>
    : ColumnType<T, T | undefined, T>

/** jsonb: written as JSON text, read parsed. */
export type Jsonb = ColumnType<Json, string, string>
