import { sql, type Transaction } from 'kysely'
import type { DatabaseTime } from '../../platform/time.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { ClaimKey } from './outcome.ts'

/** The columns of a tracked identifier that history repeats, locked until the transaction ends. */
export interface LockedRow {
  readonly id: number
  /** Number of the current claim. */
  readonly claimNo: number
  readonly source: string | null
  readonly submittedAt: DatabaseTime | null
  readonly lastConfirmedAt: DatabaseTime | null
}

/**
 * Keeps a run open: closing it waits for this transaction, and nothing is written into a closed run. FOR KEY SHARE does not
 * block the run's own heartbeat; closing a run takes FOR UPDATE first, which this lock blocks.
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
 * Locks the rows of the claims and of the same-file identifiers together in id order, so that two workers cannot deadlock.
 * Returns the rows that this run still leases, by id.
 */
export async function lockIdentifiers(
  trx: Transaction<Database>,
  options: {
    readonly runId: string
    readonly claims: readonly ClaimKey[]
    readonly sameFile: readonly number[]
  },
): Promise<Map<number, LockedRow>> {
  const ids = [...options.claims.map((claim) => claim.id), ...options.sameFile]
  const rows = await trx
    .with('locked', (cte) =>
      cte
        .selectFrom('identifai.identifiers')
        .select(['id', 'source', 'claim_no', 'submitted_at', 'last_confirmed_at', 'leased_by', 'lease_until'])
        .where(sql<boolean>`id = any(${ids}::bigint[])`)
        .orderBy('id')
        .forUpdate(),
    )
    .selectFrom('locked')
    .select([
      'id',
      'source',
      'claim_no as claimNo',
      utcText(sql`submitted_at`).as('submittedAt'),
      utcText(sql`last_confirmed_at`).as('lastConfirmedAt'),
      // A lease may expire while this statement waits for a lock. Counting the rows locks all of them before the clock.
      sql<boolean>`leased_by = ${options.runId} and lease_until > (
        select clock_timestamp() from (select count(*) from locked) as all_locked)`.as('leased'),
    ])
    .execute()
  return new Map(rows.filter((row) => row.leased).map((row) => [row.id, row]))
}
