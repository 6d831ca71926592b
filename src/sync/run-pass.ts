import { randomUUID } from 'node:crypto'
import os from 'node:os'
import { retryDatabase } from '../db/retry-database.ts'
import type { RunTrigger, SyncRunRow } from '../db/tables/sync-runs.ts'
import { makeSettledDue } from '../extract/make-settled-due.ts'
import { renewLeases } from '../extract/renew-leases.ts'
import { RunClosedError } from '../errors.ts'
import { VERSION } from '../version.ts'
import { Breaker } from './breaker.ts'
import { Crew } from './crew.ts'
import { drain } from './drain.ts'
import { storable } from './evidence.ts'
import { HeldOutcomes } from './held-outcomes.ts'
import type { Pass, PassTools } from './pass.ts'
import { passStatus } from './pass-status.ts'
import { beat, closeRun, closeStaleRuns, openRun } from './run-rows.ts'
import { emptyTally, isBalanced, type Tally } from './tally.ts'

export interface PassOptions {
  readonly trigger: RunTrigger
  /** Stops the claiming; what is in flight is finished or given back. */
  readonly signal: AbortSignal
  /** Identifiers to ask for at most; all that is due when absent. */
  readonly limit?: number
  /** Makes every settled identifier due first. */
  readonly refreshAll?: boolean
  readonly onProgress?: (tally: Readonly<Tally>) => void
}

export interface PassResult {
  /** The sealed row of `sync_runs`. */
  readonly run: SyncRunRow
  /** Why the pass failed; undefined when it did not. */
  readonly failure?: unknown
}

/**
 * One pass: claim, ask, validate, normalize and load until nothing is due, then seal the run. A failure of the pass
 * is in the result, not thrown, because the run is closed with it; only the database failing is thrown.
 */
export async function runPass(tools: PassTools, options: PassOptions): Promise<PassResult> {
  const { config, db, logger, endpoint } = tools
  const stale = await closeStaleRuns(db, config.leaseSeconds)
  if (stale > 0) logger.warn({ runs: stale }, 'closed runs whose process had died')

  const runId = randomUUID()
  await openRun(db, {
    runId,
    trigger: options.trigger,
    host: os.hostname(),
    pid: process.pid,
    version: VERSION,
  })
  logger.info({ runId, trigger: options.trigger }, 'pass started')

  const pass: Pass = {
    ...tools,
    runId,
    signal: options.signal,
    tally: emptyTally(),
    breaker: new Breaker(),
    held: new HeldOutcomes(),
    waiting: [],
    packing: { maxUrlBytes: config.maxUrlBytes },
    targetPathBytes: new URL(config.apiUrl + endpoint.path).pathname.length,
    httpDates: { first: null, last: null },
  }
  const crew = new Crew(pass, () => options.onProgress?.(pass.tally))
  const stopRenewing = keepAlive(pass, crew)
  let failure: unknown
  try {
    if (options.refreshAll) await makeSettledDue(db, endpoint.media)
    await drain(pass, crew, options.limit ?? Number.POSITIVE_INFINITY)
  } catch (error) {
    failure = error
  } finally {
    await stopRenewing()
  }
  return finish(pass, failure, crew.loss)
}

/** Renews heartbeat and leases every third of a lease; returns what stops it. */
function keepAlive(pass: Pass, crew: Crew): () => Promise<void> {
  const { db, runId, tally, config, logger } = pass
  let renewing: Promise<void> = Promise.resolve()
  const renew = async () => {
    await beat(db, runId, tally)
    await renewLeases(db, {
      runId,
      ids: [...crew.claims, ...pass.held.claims, ...pass.waiting].map((claim) => claim.id),
      leaseSeconds: config.leaseSeconds,
    })
  }
  const timer = setInterval(
    () => {
      renewing = renewing
        .then(renew)
        .catch((error: unknown) => logger.warn({ runId, err: error }, 'could not renew the leases'))
    },
    (config.leaseSeconds * 1000) / 3,
  )
  return async () => {
    clearInterval(timer)
    await renewing
  }
}

async function finish(pass: Pass, failure: unknown, loss: Error | undefined): Promise<PassResult> {
  const { db, runId, tally, signal, logger } = pass
  const imbalance = isBalanced(tally)
    ? undefined
    : new Error('The accounts of the pass do not balance: this is a bug.')
  const reason = failure ?? imbalance
  const status = passStatus({ failed: reason !== undefined, interrupted: signal.aborted, tally })
  const ending = {
    status,
    error: endingText(reason ?? (signal.aborted ? signal.reason : loss)),
    tally,
    firstHttpDate: pass.httpDates.first,
    lastHttpDate: pass.httpDates.last,
  }
  const run = await retryDatabase(() => closeRun(db, runId, ending), logger)
  if (!run) throw new RunClosedError(runId)
  logger.info({ runId, status, ...tally }, 'pass ended')
  return reason === undefined ? { run } : { run, failure: reason }
}

function endingText(reason: unknown): string | null {
  return reason instanceof Error ? storable(reason.message) : null
}
