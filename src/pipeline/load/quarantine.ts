import { sql, type Transaction } from 'kysely'
import type { DatabaseTime } from '../../platform/database-time.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { Outcome } from './outcome.ts'

export interface QuarantineContext {
  readonly media: string
  readonly runId: string
  readonly requestedAt: DatabaseTime
  readonly receivedAt: DatabaseTime
}

/** Keeps the evidence of what could not be loaded. */
export async function quarantine(
  trx: Transaction<Database>,
  outcomes: readonly Extract<Outcome, { kind: 'quarantined' }>[],
  { media, runId, requestedAt, receivedAt }: QuarantineContext,
): Promise<void> {
  if (outcomes.length === 0) return
  await trx
    .insertInto('identifai.quarantined_payloads')
    .values(
      outcomes.map((outcome) => ({
        media,
        identifier: outcome.claim.identifier,
        run_id: runId,
        requested_at: requestedAt,
        received_at: receivedAt,
        reason: outcome.reason,
        issues: JSON.stringify(outcome.issues),
        http_status: outcome.httpStatus,
        payload: outcome.payload,
        resolved_at: null,
      })),
    )
    .execute()
}

/** Marks the evidence of identifiers that have been answered after all, as far as it is not newer than the answer. */
export async function resolveQuarantine(
  trx: Transaction<Database>,
  identifiers: readonly string[],
  { media, receivedAt }: QuarantineContext,
): Promise<void> {
  await trx
    .updateTable('identifai.quarantined_payloads')
    .set({ resolved_at: sql<Date>`now()` })
    .where('media', '=', media)
    .where(sql<boolean>`identifier = any(${identifiers}::text[])`)
    .where('received_at', '<=', sql<Date>`${receivedAt}::timestamptz`)
    .where('resolved_at', 'is', null)
    .execute()
}
