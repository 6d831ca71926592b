import { type RawBuilder, sql } from 'kysely'
import type { Claim } from './claim.ts'

/** What claiming sets in a row of the ledger, named `i`: a lease, and the number of the claim. */
export function leaseOf(runId: string, leaseSeconds: number): RawBuilder<unknown> {
  return sql`lease_until = now() + make_interval(secs => ${leaseSeconds}), leased_by = ${runId}, claim_no = i.claim_no + 1`
}

/** A claimed row of the ledger, named `i`, as a Claim. */
export const CLAIM_COLUMNS: RawBuilder<Claim> = sql`
  i.id, i.identifier, i.claim_no as "claimNo", i.state, i.finished_at is not null as "wasFinished",
  i.priority, i.attempts, i.absences, i.request_limit as "requestLimit",
  encode(i.record_digest, 'hex') as "recordDigest",
  extract(epoch from now() - i.enqueued_at)::double precision as "ageSeconds"`
