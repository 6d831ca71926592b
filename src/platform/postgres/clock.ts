import { type Kysely, type RawBuilder, type ReferenceExpression, sql } from 'kysely'
import type { DatabaseTime } from '../time.ts'
import type { Database } from './database.ts'

/**
 * The current time of the database's clock, which all processes share. clock_timestamp(), because now() does not advance
 * within a transaction.
 */
export async function readClock(db: Kysely<Database>): Promise<DatabaseTime> {
  const { rows } = await sql<{ now: DatabaseTime }>`select ${utcText(sql`clock_timestamp()`)} as now`.execute(
    db,
  )
  return (rows[0] as { now: DatabaseTime }).now
}

/** A timestamptz as text with all its microseconds, because a Date has milliseconds only. */
export function utcText(
  time: RawBuilder<unknown> | ReferenceExpression<never, never>,
): RawBuilder<DatabaseTime> {
  return sql<DatabaseTime>`to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}
