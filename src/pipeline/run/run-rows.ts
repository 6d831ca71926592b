import { randomUUID } from 'node:crypto'
import os from 'node:os'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Signer } from '../seal/checkpoint.ts'
import { leavesOfRevisions, lockChain, sealRun } from '../seal/seal-run.ts'
import { waitForWorkers } from '../../platform/postgres/citus.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { RunStatus, RunTrigger, SyncRunRow } from '../../platform/postgres/tables/runs.ts'
import { VERSION } from '../../platform/version.ts'
import { readTrackedTotals } from './tracked-totals.ts'
import type { Tally } from './rules/tally.ts'

/** A run of this process, with a new id. */
export function newRun(trigger: RunTrigger) {
  return { runId: randomUUID() as string, trigger, host: os.hostname(), pid: process.pid, version: VERSION }
}

export async function openRun(db: Kysely<Database>, run: ReturnType<typeof newRun>): Promise<void> {
  await db
    .insertInto('identifai.sync_runs')
    .values({ run_id: run.runId, trigger: run.trigger, host: run.host, pid: run.pid, version: run.version })
    // It exists already when this is repeated after a commit whose result was lost.
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** A run that is still open; undefined when another process has closed it. */
export async function readOpenRun(db: Kysely<Database>, runId: string): Promise<SyncRunRow | undefined> {
  return db
    .selectFrom('identifai.sync_runs')
    .selectAll()
    .where('run_id', '=', runId)
    .where('status', '=', 'running')
    .executeTakeFirst()
}

/** Removes the row of a run that did nothing, unless it is closed or removed already. */
export async function discardRun(db: Kysely<Database>, runId: string): Promise<void> {
  await db
    .deleteFrom('identifai.sync_runs')
    .where('run_id', '=', runId)
    .where('status', '=', 'running')
    .execute()
}

/** Records that the run is alive, and its counters. Does not change a closed run. */
export async function recordHeartbeat(db: Kysely<Database>, runId: string, tally: Tally): Promise<void> {
  await db
    .updateTable('identifai.sync_runs')
    .set({ ...tally, heartbeat_at: sql<Date>`clock_timestamp()` })
    .where('run_id', '=', runId)
    .where('status', '=', 'running')
    .execute()
}

/** The ending of a run whose process has died. */
const DIED = {
  status: 'interrupted',
  error: 'Its process died: no heartbeat for longer than a lease.',
} as const

/** The stale runs, whose process has died: their heartbeat is older than a lease. */
export async function findStaleRuns(db: Kysely<Database>, leaseSeconds: number): Promise<string[]> {
  const stale = await db
    .selectFrom('identifai.sync_runs')
    .select('run_id')
    .where('status', '=', 'running')
    .where(isStale(leaseSeconds))
    // A run that is being sealed, which may take minutes, records no heartbeat: its row is locked, and skipped here.
    .forNoKeyUpdate()
    .skipLocked()
    .execute()
  return stale.map(({ run_id }) => run_id)
}

/** Closes a run unless its process has recorded a heartbeat after all, because it was only suspended. */
export async function closeStaleRun(
  db: Kysely<Database>,
  runId: string,
  { leaseSeconds, signer = null }: { readonly leaseSeconds: number; readonly signer?: Signer | null },
): Promise<boolean> {
  return (await closeRun(db, runId, DIED, { signer, condition: isStale(leaseSeconds) })) !== undefined
}

function isStale(leaseSeconds: number): RawBuilder<boolean> {
  // The lease of that run may be longer than this one's: a run that still holds a lease is alive.
  return sql`heartbeat_at < clock_timestamp() - make_interval(secs => ${leaseSeconds}) and not exists (
    select from identifai.identifiers as i
    where i.leased_by = identifai.sync_runs.run_id and i.lease_until > clock_timestamp())`
}

export interface Ending {
  readonly status: Exclude<RunStatus, 'running'>
  readonly error: string | null
  /** Final counters; absent when the process that had them died. */
  readonly tally?: Tally
  readonly firstHttpDate?: Date | null
  readonly lastHttpDate?: Date | null
}

interface CloseOptions {
  /** Signs the head of the chain; null when no key is configured. */
  readonly signer?: Signer | null
  /** Condition on the row of the run. */
  readonly condition?: RawBuilder<boolean>
}

/**
 * Ends a run with the totals of the tracked identifiers, and seals it as the newest link of the chain. FOR UPDATE waits for
 * the transactions that keep the run open, so that nothing is written into it afterwards. On a cluster, all workers have
 * committed them then, too. Hashing the revisions, which takes long, comes before the lock of the chain; everything that
 * depends on the order of runs comes after it.
 *
 * Returns the sealed row, or undefined when another process has closed the run, or the condition on its row does not hold.
 * Repeated after a commit whose result was lost, it finds the run closed with this very ending.
 */
export async function closeRun(
  db: Kysely<Database>,
  runId: string,
  ending: Ending,
  { signer = null, condition = sql`true` }: CloseOptions = {},
): Promise<SyncRunRow | undefined> {
  return db.transaction().execute(async (trx) => {
    const open = await trx
      .selectFrom('identifai.sync_runs')
      .select('run_id')
      .where('run_id', '=', runId)
      .where('status', '=', 'running')
      .where(condition)
      .forUpdate()
      .executeTakeFirst()
    if (!open) return closedWith(trx, runId, ending)
    await waitForWorkers(trx)
    const revisions = await leavesOfRevisions(trx, runId)
    await lockChain(trx)
    const { retired_reasons, ...totals } = await readTrackedTotals(trx, runId)
    await trx
      .updateTable('identifai.sync_runs')
      .set({
        ...ending.tally,
        ...totals,
        retired_reasons: retired_reasons === null ? null : JSON.stringify(retired_reasons),
        status: ending.status,
        error: ending.error,
        // Keeps the chain in the order of time when the clock is set back.
        finished_at: sql<Date>`greatest(clock_timestamp(), (
          select finished_at from identifai.sync_runs where chain_position is not null
          order by chain_position desc limit 1) + interval '1 microsecond')`,
        heartbeat_at: sql<Date>`clock_timestamp()`,
        first_http_date: ending.firstHttpDate ?? null,
        last_http_date: ending.lastHttpDate ?? null,
      })
      .where('run_id', '=', runId)
      .execute()
    await sealRun(trx, runId, revisions, signer)
    return trx.selectFrom('identifai.sync_runs').selectAll().where('run_id', '=', runId).executeTakeFirst()
  })
}

async function closedWith(
  db: Kysely<Database>,
  runId: string,
  { status, error }: Ending,
): Promise<SyncRunRow | undefined> {
  return db
    .selectFrom('identifai.sync_runs')
    .selectAll()
    .where('run_id', '=', runId)
    .where('status', '=', status)
    .where('error', 'is not distinct from', error)
    .executeTakeFirst()
}
