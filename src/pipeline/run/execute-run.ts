import { ENDPOINTS } from '../../media/registry.ts'
import { RunClosedError } from '../../platform/errors.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { RunTrigger, SyncRunRow } from '../../platform/postgres/tables/runs.ts'
import { storable } from '../../platform/text.ts'
import { readSizeLimit } from '../api/size-limit.ts'
import { renewLeases } from '../queue/lease.ts'
import { LOWEST_PRIORITY, PRIORITY } from '../queue/priority.ts'
import { makeFinishedDue } from '../queue/requeue.ts'
import { retireMissing } from '../queue/retire.ts'
import { BatchPool } from './batch-pool.ts'
import { drain } from './drain.ts'
import { CircuitBreaker } from './rules/circuit-breaker.ts'
import { HeldOutcomes } from './rules/held-outcomes.ts'
import { emptyTally, isBalanced, statusOf, type Tally } from './rules/tally.ts'
import type { Run, RunTools } from './run.ts'
import {
  closeRun,
  closeStaleRun,
  discardRun,
  findStaleRuns,
  newRun,
  openRun,
  readOpenRun,
  recordHeartbeat,
} from './run-rows.ts'

/** The heartbeat shows the progress of a run, and how far a killed one came. */
const MAX_HEARTBEAT_MS = 10_000

export interface RunOptions {
  readonly trigger: RunTrigger
  /** Stops the claiming; batches in progress are finished or released. */
  readonly signal: AbortSignal
  /** Most identifiers to request; all that are due when absent. */
  readonly limit?: number
  /** Makes every finished identifier due first. */
  readonly refreshAll?: boolean
  /** How long, from the start, to wait for unfinished analyses; not at all when absent. */
  readonly waitMs?: number
  readonly onProgress?: (tally: Readonly<Tally>) => void
  /** Called when nothing is due and the run waits for the next identifier that will be. */
  readonly onWait?: (seconds: number, tally: Readonly<Tally>) => void
}

export interface RunResult {
  /** The sealed row of `sync_runs`. A fresh run that claimed nothing has removed its row, which is not sealed then. */
  readonly run: SyncRunRow
  /** The reason for the failure; undefined when the run did not fail. */
  readonly failure?: unknown
}

/**
 * Executes one run: claims, requests, validates, normalizes and loads until nothing is due, then seals the run. A fresh run
 * leaves the refreshes to the nightly run. A failure of the run is in the result and not thrown, because the run is closed
 * with it. Only a failure of the database is thrown.
 */
export async function executeRun(tools: RunTools, options: RunOptions): Promise<RunResult> {
  const { config, db } = tools
  await closeStaleRuns(tools)
  const { trigger, signal } = options
  const row = newRun(trigger)
  const { runId } = row
  // Log lines of runs in one process differ by these fields.
  const logger = tools.logger.child({ runId, trigger })
  const sizeLimit = await retryDatabase(() => readSizeLimit(db, config.apiUrl), logger)
  await retryDatabase(() => openRun(db, row), logger)
  if (trigger === 'fresh') logger.debug('fresh run started')
  else logger.info('run started')

  const run: Run = {
    ...tools,
    logger,
    runId,
    signal,
    tally: emptyTally(),
    // A limited run requests nothing beyond its limit, and so no control group.
    breakers: new Map(
      ENDPOINTS.map((endpoint) => [endpoint, new CircuitBreaker(options.limit === undefined)]),
    ),
    held: new HeldOutcomes(),
    controlGroups: new Map(),
    waiting: [],
    maxUrlBytes: Math.min(config.maxUrlBytes, sizeLimit ?? config.maxUrlBytes),
    httpDates: { first: null, last: null },
  }
  const endsAt = performance.now() + (config.maxDurationMinutes ?? Number.POSITIVE_INFINITY) * 60_000
  const isTimeUp = () => performance.now() >= endsAt
  const batches = new BatchPool(run, () => options.onProgress?.(run.tally))
  const stopRenewing = keepAlive(run, batches)
  let failure: unknown
  try {
    if (trigger !== 'fresh') await retireLongMissing(run)
    if (options.refreshAll) await makeFinishedDue(db, { logger, signal })
    await drain(run, batches, {
      limit: options.limit ?? Number.POSITIVE_INFINITY,
      leastPriority: trigger === 'fresh' ? PRIORITY.sameFile : LOWEST_PRIORITY,
      isTimeUp,
      // A fresh run comes again within a minute.
      waitsForLeases: trigger !== 'fresh',
      waitMs: Math.min(options.waitMs ?? 0, endsAt - performance.now()),
      onWait: (seconds) => options.onWait?.(seconds, run.tally),
    })
    if (isTimeUp())
      logger.info({ minutes: config.maxDurationMinutes }, 'time limit reached, the rest stays due')
  } catch (error) {
    failure = error
  } finally {
    await stopRenewing()
  }
  if (trigger === 'fresh' && run.tally.claimed === 0 && failure === undefined) return discard(run)
  return finish(run, { failure, lastFailure: batches.lastFailure })
}

/** Retires identifiers whose results the vendor has deleted, if so configured. */
async function retireLongMissing({ db, config, logger }: Run): Promise<void> {
  const { retireMissingDays: days } = config
  if (days === null) return
  const retired = await retireMissing(db, { days, logger })
  if (retired > 0) logger.info({ retired, days }, 'missing identifiers retired')
}

/** Closes the runs of processes that have died. If one cannot be closed, this run goes on, and a later one tries again. */
async function closeStaleRuns({ config, db, logger, signer }: RunTools): Promise<void> {
  const { leaseSeconds } = config
  for (const stale of await retryDatabase(() => findStaleRuns(db, leaseSeconds), logger)) {
    try {
      const isClosed = await retryDatabase(() => closeStaleRun(db, stale, { leaseSeconds, signer }), logger)
      if (isClosed) logger.warn({ stale }, 'stale run closed')
    } catch (err) {
      logger.error({ stale, err }, 'closing a stale run failed')
    }
  }
}

/** Renews heartbeat, counters and leases every third of a lease or more often; returns a function that stops it. */
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

/** Removes the row of a fresh run with nothing due, because one a minute would be noise. */
async function discard({ db, runId, logger }: Run): Promise<RunResult> {
  const row = await retryDatabase(() => readOpenRun(db, runId), logger)
  if (!row) throw new RunClosedError(runId)
  await retryDatabase(() => discardRun(db, runId), logger)
  logger.debug('nothing due')
  return { run: row }
}

async function finish(
  run: Run,
  { failure, lastFailure }: { readonly failure: unknown; readonly lastFailure: Error | undefined },
): Promise<RunResult> {
  const { db, runId, tally, signal, logger, signer } = run
  const imbalance = isBalanced(tally)
    ? undefined
    : new Error('The counters of the run do not balance: this is a bug.')
  const reason = failure ?? imbalance
  const status = statusOf({ failed: reason !== undefined, interrupted: signal.aborted, tally })
  const ending = {
    status,
    error: errorText(reason ?? (signal.aborted ? signal.reason : lastFailure)),
    tally,
    firstHttpDate: run.httpDates.first,
    lastHttpDate: run.httpDates.last,
  }
  const row = await retryDatabase(() => closeRun(db, runId, ending, { signer }), logger)
  if (!row) throw new RunClosedError(runId)
  if (tally.quarantined > 0) {
    logger.warn({ quarantined: tally.quarantined }, 'records quarantined, see status --stuck')
  }
  const { chain_position: chainPosition, chain_head: chainHead } = row
  logger.info({ status, ...tally, chainPosition, chainHead }, 'run ended')
  return reason === undefined ? { run: row } : { run: row, failure: reason }
}

function errorText(reason: unknown): string | null {
  return reason instanceof Error ? storable(reason.message) : null
}
