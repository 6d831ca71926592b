import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { RunTrigger, SyncRunRow } from '../../platform/postgres/tables/sync-runs.ts'
import { makeFinishedDue } from '../queue/make-finished-due.ts'
import { targetPathBytes } from '../api/request-target.ts'
import { renewLeases } from '../queue/renew-leases.ts'
import { RunClosedError } from '../../platform/errors.ts'
import { PRIORITY } from '../queue/priority.ts'
import { Breaker } from './breaker.ts'
import { BatchPool } from './batch-pool.ts'
import { drain } from './drain.ts'
import { storable } from './evidence.ts'
import { HeldOutcomes } from './held-outcomes.ts'
import type { Run, RunTools } from './run.ts'
import { PendingWait } from './pending-wait.ts'
import { statusOf } from './run-status.ts'
import {
  recordHeartbeat,
  closeRun,
  closeStaleRuns,
  discardRun,
  newRun,
  openRun,
  readOpenRun,
} from './run-rows.ts'
import { emptyTally, isBalanced, type Tally } from './tally.ts'

/** Finished identifiers to ask for where nothing comes back; more would be no surer. */
const CONTROLS = 20

/** Whoever looks at a pass under way, or at one that was killed, wants to see how far it is. */
const MAX_HEARTBEAT_MS = 10_000

/** The lowest of a smallint: everything that is due. */
const LOWEST_PRIORITY = -32_768

export interface RunOptions {
  readonly trigger: RunTrigger
  /** Stops the claiming; what is in flight is finished or given back. */
  readonly signal: AbortSignal
  /** Identifiers to ask for at most; all that is due when absent. */
  readonly limit?: number
  /** Makes every finished identifier due first. */
  readonly refreshAll?: boolean
  /** How long, from the start, to stay for analyses that are not finished yet; not at all when absent. */
  readonly waitMs?: number
  readonly onProgress?: (tally: Readonly<Tally>) => void
  /** Told when nothing is due and the pass stays for what will be in so many seconds. */
  readonly onWait?: (seconds: number, tally: Readonly<Tally>) => void
}

export interface RunResult {
  /** The sealed row of `sync_runs`; a fresh pass that claimed nothing has taken it back. */
  readonly run: SyncRunRow
  /** Why the pass failed; undefined when it did not. */
  readonly failure?: unknown
}

/**
 * One pass: claim, ask, validate, normalize and load until nothing is due, then seal the run. A fresh pass leaves what
 * can wait for the night alone. A failure of the pass is in the result, not thrown, because the run is closed with it;
 * only the database failing is thrown.
 */
export async function executeRun(tools: RunTools, options: RunOptions): Promise<RunResult> {
  const { config, db, endpoint } = tools
  const stale = await retryDatabase(() => closeStaleRuns(db, config.leaseSeconds), tools.logger)
  if (stale.length > 0) tools.logger.warn({ runs: stale }, 'stale runs closed')

  const { trigger, signal } = options
  const row = newRun(trigger)
  const { runId } = row
  // Whatever is told of a pass can be told from that of another.
  const logger = tools.logger.child({ runId, trigger })
  await retryDatabase(() => openRun(db, row), logger)
  logger[trigger === 'fresh' ? 'debug' : 'info']('run started')

  const run: Run = {
    ...tools,
    logger,
    runId,
    signal,
    tally: emptyTally(),
    breaker: new Breaker(),
    held: new HeldOutcomes(),
    waiting: [],
    // With a limit nothing is asked beyond it.
    controlsLeft: options.limit === undefined ? CONTROLS : 0,
    packing: { maxUrlBytes: config.maxUrlBytes },
    targetPathBytes: targetPathBytes(config.apiUrl, endpoint.path),
    httpDates: { first: null, last: null },
  }
  const endsAt = performance.now() + (config.maxDurationMinutes ?? Number.POSITIVE_INFINITY) * 60_000
  const isTimeUp = () => performance.now() >= endsAt
  const pendingWait = new PendingWait(tools, {
    waitMs: Math.min(options.waitMs ?? 0, endsAt - performance.now()),
    signal,
    onWait: (seconds) => options.onWait?.(seconds, run.tally),
  })
  const batches = new BatchPool(run, () => options.onProgress?.(run.tally))
  const stopRenewing = keepAlive(run, batches)
  let failure: unknown
  try {
    if (options.refreshAll) await makeFinishedDue(db, { media: endpoint.media, logger, signal })
    await drain(run, batches, {
      limit: options.limit ?? Number.POSITIVE_INFINITY,
      leastPriority: trigger === 'fresh' ? PRIORITY.bulk : LOWEST_PRIORITY,
      isTimeUp,
      pendingWait,
    })
    if (isTimeUp())
      logger.info({ minutes: config.maxDurationMinutes }, 'time limit reached, the rest stays due')
  } catch (error) {
    failure = error
  } finally {
    await stopRenewing()
  }
  if (trigger === 'fresh' && run.tally.claimed === 0 && failure === undefined) return takeBack(run)
  return finish(run, { failure, loss: batches.loss })
}

/** Renews heartbeat, counters and leases every third of a lease or more often; returns what stops it. */
function keepAlive(run: Run, batches: BatchPool): () => Promise<void> {
  const { db, runId, tally, config, logger } = run
  let renewing: Promise<void> = Promise.resolve()
  const renew = async () => {
    await recordHeartbeat(db, runId, tally)
    await renewLeases(db, {
      runId,
      ids: [...batches.claims, ...run.held.claims, ...run.waiting].map((claim) => claim.id),
      leaseSeconds: config.leaseSeconds,
    })
  }
  const timer = setInterval(
    () => {
      renewing = renewing
        .then(renew)
        .catch((error: unknown) => logger.warn({ err: error }, 'lease renewal failed'))
    },
    Math.min((config.leaseSeconds * 1000) / 3, MAX_HEARTBEAT_MS),
  )
  return async () => {
    clearInterval(timer)
    await renewing
  }
}

/** Once a minute nothing is due: that is not worth a row. */
async function takeBack({ db, runId, logger }: Run): Promise<RunResult> {
  const row = await retryDatabase(() => readOpenRun(db, runId), logger)
  if (!row) throw new RunClosedError(runId)
  await retryDatabase(() => discardRun(db, runId), logger)
  logger.debug('nothing was due')
  return { run: row }
}

async function finish(
  run: Run,
  { failure, loss }: { readonly failure: unknown; readonly loss: Error | undefined },
): Promise<RunResult> {
  const { db, runId, tally, signal, logger } = run
  const imbalance = isBalanced(tally)
    ? undefined
    : new Error('The accounts of the pass do not balance: this is a bug.')
  const reason = failure ?? imbalance
  const status = statusOf({ failed: reason !== undefined, interrupted: signal.aborted, tally })
  const ending = {
    status,
    error: endingText(reason ?? (signal.aborted ? signal.reason : loss)),
    tally,
    firstHttpDate: run.httpDates.first,
    lastHttpDate: run.httpDates.last,
  }
  const row = await retryDatabase(() => closeRun(db, runId, ending), logger)
  if (!row) throw new RunClosedError(runId)
  if (tally.quarantined > 0) {
    logger.warn({ quarantined: tally.quarantined }, 'records quarantined, see status --stuck')
  }
  const { chain_position: chainPosition, chain_head: chainHead } = row
  logger.info({ status, ...tally, chainPosition, chainHead }, 'run ended')
  return reason === undefined ? { run: row } : { run: row, failure: reason }
}

function endingText(reason: unknown): string | null {
  return reason instanceof Error ? storable(reason.message) : null
}
