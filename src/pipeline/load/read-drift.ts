import type { Kysely } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

/** The last time at which new content had a status that is not documented, and the first such status; null without one. */
export async function readUndocumentedStatuses(db: Kysely<Database>) {
  const row = await db
    .selectFrom('identifai.schema_drift')
    .select(({ fn }) => [
      fn.max<Date | null>('last_seen_at').as('last_seen_at'),
      fn.max<string | null>('sample').as('sample'),
    ])
    .where('path', '=', '/status')
    .where('kind', '=', 'unknown_value')
    .executeTakeFirst()
  return row?.last_seen_at ? { lastSeenAt: row.last_seen_at, sample: row.sample } : null
}
