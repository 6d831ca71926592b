import { sql, type Transaction } from 'kysely'
import type { DatabaseTime } from '../../platform/database-time.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { Fence } from './outcome.ts'

/** A ledger row as history repeats it, locked until the transaction ends. */
export interface LockedRow {
  readonly id: number
  /** The claim that holds. */
  readonly claimNo: number
  readonly source: string | null
  readonly submittedAt: DatabaseTime | null
  readonly lastConfirmedAt: DatabaseTime | null
}

/**
 * Holds the run open: whoever wants to close it waits for this transaction, and into a closed run nothing is
 * written. FOR KEY SHARE lets the run's own heartbeat pass; closing a run takes FOR UPDATE first, which it does
 * not let pass.
 */
export async function lockRunningRun(trx: Transaction<Database>, runId: string): Promise<boolean> {
  const run = await trx
    .selectFrom('identifai.sync_runs')
    .select('run_id')
    .where('run_id', '=', runId)
    .where('status', '=', 'running')
    .forKeyShare()
    .executeTakeFirst()
  return run !== undefined
}

/**
 * Locks ledger rows, those of the claims and their siblings together in id order, so that two workers can never
 * wait for each other. Returns the rows that this run still leases, by id, with
 * the claim that holds.
 */
export async function lockIdentifiers(
  trx: Transaction<Database>,
  options: {
    readonly runId: string
    readonly claims: readonly Fence[]
    readonly sameFile: readonly number[]
  },
): Promise<Map<number, LockedRow>> {
  const ids = [...options.claims.map((claim) => claim.id), ...options.sameFile]
  const rows = await trx
    .selectFrom('identifai.identifiers')
    .select([
      'id',
      'source',
      'claim_no as claimNo',
      utcText(sql`submitted_at`).as('submittedAt'),
      utcText(sql`last_confirmed_at`).as('lastConfirmedAt'),
      // clock_timestamp(): the lease may have run out while this statement waited for a lock.
      sql<boolean>`leased_by = ${options.runId} and lease_until > clock_timestamp()`.as('leased'),
    ])
    .where(sql<boolean>`id = any(${ids}::bigint[])`)
    .orderBy('id')
    .forUpdate()
    .execute()
  return new Map(rows.filter((row) => row.leased).map((row) => [row.id, row]))
}
