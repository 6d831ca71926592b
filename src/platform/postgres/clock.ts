import { type Kysely, type RawBuilder, type ReferenceExpression, sql } from 'kysely'
import type { DatabaseTime } from '../database-time.ts'
import type { Database } from './database.ts'

/**
 * Now, by the database's clock: the one clock that all processes share. clock_timestamp(), not now(), which
 * stands still within a transaction.
 */
export async function readClock(db: Kysely<Database>): Promise<DatabaseTime> {
  const { rows } = await sql<{ now: DatabaseTime }>`select ${utcText(sql`clock_timestamp()`)} as now`.execute(
    db,
  )
  return (rows[0] as { now: DatabaseTime }).now
}

/** A timestamptz as text with all its microseconds; a Date would keep milliseconds only. */
export function utcText(
  time: RawBuilder<unknown> | ReferenceExpression<never, never>,
): RawBuilder<DatabaseTime> {
  return sql<DatabaseTime>`to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}
