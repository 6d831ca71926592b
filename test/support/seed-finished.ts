import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'

/** Tracks identifiers, `old-1` and so on, that were finished yesterday and are due for a refresh. */
export async function seedFinished(db: Kysely<Database>, count: number): Promise<void> {
  await sql`
    insert into identifai.identifiers (identifier, state, priority, finished_at, last_requested_at, last_confirmed_at)
    select 'old-' || n, 'done', -10, t, t, t
    from generate_series(1, ${count}) as n, (select now() - interval '1 day' as t) as yesterday`.execute(db)
}
