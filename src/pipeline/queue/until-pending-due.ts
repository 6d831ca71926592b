import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { PRIORITY } from './priority.ts'
import { prioritiesFrom } from './priorities.ts'

/**
 * Milliseconds until the next identifier without a final answer is due that nobody is asking for, not positive when one
 * is; null when none ever will be.
 */
export async function untilPendingDue(db: Kysely<Database>, media: string): Promise<number | null> {
  const { rows } = await sql<{ waitMs: number | null }>`
    with recursive ${prioritiesFrom(media, PRIORITY.bulk)}
    select extract(epoch from min(next.due_at) - clock_timestamp())::double precision * 1000 as "waitMs"
    from priorities cross join lateral (
      select due_at from identifai.identifiers as i
      where i.media = ${media} and i.priority = priorities.priority and i.state = 'pending' and i.due_at is not null
        and (i.lease_until is null or i.lease_until < now())
      order by i.due_at limit 1) as next`.execute(db)
  return rows[0]?.waitMs ?? null
}
