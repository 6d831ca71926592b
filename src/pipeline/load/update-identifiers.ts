import { sql, type Transaction } from 'kysely'
import type { DatabaseTime } from '../../platform/database-time.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { Outcome } from './outcome.ts'

/**
 * Writes what the ledger says after these outcomes and ends their leases. One that somebody woke after its request
 * had left stays due: the answer may be older than the reason for waking.
 *
 * The rows are locked by the caller.
 */
export async function updateIdentifiers(
  trx: Transaction<Database>,
  outcomes: readonly Outcome[],
  times: { readonly requestedAt: DatabaseTime; readonly receivedAt: DatabaseTime },
): Promise<void> {
  const column = <T>(of: (outcome: Outcome) => T) => outcomes.map(of)
  // Kysely has no word for unnest over several arrays.
  await sql`
    update identifai.identifiers as i set
      state = o.state,
      priority = case when i.refresh_requested_at > ${times.requestedAt}::timestamptz then i.priority else o.priority end,
      due_at = case when i.refresh_requested_at > ${times.requestedAt}::timestamptz then i.due_at
                    else ${times.requestedAt}::timestamptz + make_interval(secs => o.due_after_seconds) end,
      attempts = 0,
      request_limit = null,
      absences = o.absences,
      last_error = o.last_error,
      record_digest = decode(o.record_digest, 'hex'),
      last_requested_at = ${times.requestedAt}::timestamptz,
      last_confirmed_at = case when o.confirmed then ${times.requestedAt}::timestamptz else i.last_confirmed_at end,
      finished_at = case when o.state in ('done', 'errored')
                        then coalesce(i.finished_at, ${times.receivedAt}::timestamptz) else i.finished_at end,
      lease_until = null,
      leased_by = null
    from unnest(
      ${column(({ claim }) => claim.id)}::bigint[],
      ${column(({ ledger }) => ledger.state)}::text[],
      ${column(({ ledger }) => ledger.priority)}::smallint[],
      ${column(({ ledger }) => ledger.dueAfterSeconds)}::double precision[],
      ${column(({ ledger }) => ledger.absences)}::integer[],
      ${column(({ ledger }) => ledger.lastError)}::text[],
      ${column(({ ledger }) => ledger.recordDigest)}::text[],
      ${column(({ ledger }) => ledger.confirmed)}::boolean[]
    ) as o (id, state, priority, due_after_seconds, absences, last_error, record_digest, confirmed)
    where i.id = o.id`.execute(trx)
}
