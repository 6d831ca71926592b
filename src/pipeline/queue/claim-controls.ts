import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { PRIORITY } from './priority.ts'
import type { Claim } from './claim.ts'
import { CLAIM_COLUMNS, leaseOf } from './lease.ts'

/**
 * Claims finished identifiers whether they are due or not, those confirmed last first: if the API knows anything at all,
 * it knows these.
 */
export async function claimControls(
  db: Kysely<Database>,
  options: {
    readonly media: string
    readonly runId: string
    readonly limit: number
    readonly leaseSeconds: number
  },
): Promise<Claim[]> {
  const { media, runId, limit, leaseSeconds } = options
  // Due times of a sweep follow the order of asking, and have an index. Raw SQL: it shares its words with other claims.
  const { rows } = await sql<Claim>`
    with control as (
      select id from identifai.identifiers
      where media = ${media} and priority = ${PRIORITY.refresh} and due_at is not null and state in ('done', 'errored')
        and absences = 0 and (lease_until is null or lease_until < now())
      order by due_at desc limit ${limit} for update skip locked
    )
    update identifai.identifiers as i set ${leaseOf(runId, leaseSeconds)}
    from control where i.id = control.id
    returning ${CLAIM_COLUMNS}`.execute(db)
  return rows
}
