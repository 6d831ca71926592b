import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { Claim } from './claim.ts'
import { CLAIM_COLUMNS, leaseOf } from './lease.ts'

/** Claims one quarantined identifier for a run; undefined when it is not quarantined any more, or claimed by another. */
export async function claimQuarantined(
  db: Kysely<Database>,
  { id, runId, leaseSeconds }: { readonly id: number; readonly runId: string; readonly leaseSeconds: number },
): Promise<Claim | undefined> {
  // Raw SQL: it shares its words with the claim of what is due.
  const { rows } = await sql<Claim>`
    update identifai.identifiers as i set ${leaseOf(runId, leaseSeconds)}
    where i.id = ${id} and i.state = 'quarantined' and (i.lease_until is null or i.lease_until < now())
    returning ${CLAIM_COLUMNS}`.execute(db)
  return rows[0]
}
