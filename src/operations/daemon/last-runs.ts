import type { Kysely } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

/**
 * When the last pass ended that asked for all that was due, by whomever it was run; null before the first. Fresh passes
 * do not count: they go on while every night fails.
 */
export async function readLastSuccess(db: Kysely<Database>): Promise<Date | null> {
  const { last } = await db
    .selectFrom('identifai.sync_runs')
    .select(({ fn }) => fn.max('finished_at').as('last'))
    .where('trigger', 'in', ['nightly', 'manual'])
    // What is partial set something aside and told so; it asked for everything all the same.
    .where('status', 'in', ['succeeded', 'partial'])
    .executeTakeFirstOrThrow()
  return last
}
