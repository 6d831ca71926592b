import type { ColumnType } from 'kysely'
import type { Json } from '../json.ts'

/**
 * timestamptz. Read as a Date it is cut to milliseconds; where microseconds count (bounds of an interval, leaves
 * of the chain) statements read it as text and write that text back.
 */
export type Timestamp = ColumnType<Date, Date | string, Date | string>

/** jsonb: written as JSON text, read parsed. */
export type Jsonb = ColumnType<Json, string, string>
