import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { Claim } from './claim.ts'
import { CLAIM_COLUMNS, leaseOf } from './lease.ts'
import { prioritiesFrom } from './priorities.ts'

export interface ClaimOptions {
  readonly media: string
  /** Claims nothing of a lower priority. */
  readonly leastPriority: number
  readonly runId: string
  /** Also what may share its request with few others only. */
  readonly limitedToo: boolean
  readonly limit: number
  readonly leaseSeconds: number
}

/**
 * Claims what is due, highest priority and longest due first, for one run: nobody else is given these rows until
 * the lease runs out. Rows that another process is claiming or writing at this moment are passed over.
 *
 * A finished identifier is not claimed twice by one run unless somebody woke it after its request had left.
 *
 * Raw SQL: Kysely has no word for FOR UPDATE in a lateral subquery under a recursive query.
 */
export async function claimDue(db: Kysely<Database>, options: ClaimOptions): Promise<Claim[]> {
  const { media, leastPriority, limitedToo, runId, limit, leaseSeconds } = options
  const { rows } = await sql<Claim>`
    with recursive ${prioritiesFrom(media, leastPriority)},
    run as (select started_at from identifai.sync_runs where run_id = ${runId}),
    due as (
      select ready.id from priorities cross join lateral (
        select i.id from identifai.identifiers as i
        where i.media = ${media} and i.priority = priorities.priority and i.due_at <= now()
          and (i.lease_until is null or i.lease_until < now())
          and (${limitedToo} or i.request_limit is null)
          and (i.state = 'pending' or i.last_requested_at is null or i.last_requested_at < (select started_at from run)
               or i.refresh_requested_at > i.last_requested_at)
        order by i.due_at, i.id limit ${limit} for update skip locked) as ready
      limit ${limit}
    )
    update identifai.identifiers as i
    set ${leaseOf(runId, leaseSeconds)}
    from due where i.id = due.id
    returning ${CLAIM_COLUMNS}`.execute(db)
  return rows
}
