import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { RunTrigger, SyncRunRow } from '../../platform/postgres/tables/sync-runs.ts'
import { makeSettledDue } from '../queue/make-settled-due.ts'
import { targetPathBytes } from '../api/request-target.ts'
import { renewLeases } from '../queue/renew-leases.ts'
import { RunClosedError } from '../../platform/errors.ts'
import { PRIORITY } from '../queue/priority.ts'
import { Breaker } from './breaker.ts'
import { Crew } from './crew.ts'
import { drain } from './drain.ts'
import { storable } from './evidence.ts'
import { HeldOutcomes } from './held-outcomes.ts'
import type { Pass, PassTools } from './pass.ts'
import { Patience } from './patience.ts'
import { passStatus } from './pass-status.ts'
import { beat, closeRun, closeStaleRuns, discardRun, newRun, openRun, readOpenRun } from './run-rows.ts'
import { emptyTally, isBalanced, type Tally } from './tally.ts'

/** Settled identifiers to ask for where nothing comes back; more would be no surer. */
const CONTROLS = 20

/** Whoever looks at a pass under way, or at one that was killed, wants to see how far it is. */
const HEARTBEAT_AT_MOST_MS = 10_000

/** The lowest of a smallint: everything that is due. */
const LOWEST_PRIORITY = -32_768

export interface PassOptions {
  readonly trigger: RunTrigger
  /** Stops the claiming; what is in flight is finished or given back. */
  readonly signal: AbortSignal
  /** Identifiers to ask for at most; all that is due when absent. */
  readonly limit?: number
  /** Makes every settled identifier due first. */
  readonly refreshAll?: boolean
  /** How long, from the start, to stay for analyses that are not finished yet; not at all when absent. */
  readonly waitMs?: number
  readonly onProgress?: (tally: Readonly<Tally>) => void
  /** Told when nothing is due and the pass stays for what will be in so many seconds. */
  readonly onWait?: (seconds: number, tally: Readonly<Tally>) => void
}

export interface PassResult {
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
export async function runPass(tools: PassTools, options: PassOptions): Promise<PassResult> {
  const { config, db, endpoint } = tools
  const stale = await retryDatabase(() => closeStaleRuns(db, config.leaseSeconds), tools.logger)
  if (stale.length > 0) tools.logger.warn({ runs: stale }, 'closed runs whose process had died')

  const { trigger, signal } = options
  const run = newRun(trigger)
  const { runId } = run
  // Whatever is told of a pass can be told from that of another.
  const logger = tools.logger.child({ runId, trigger })
  await retryDatabase(() => openRun(db, run), logger)
  logger[trigger === 'fresh' ? 'debug' : 'info']('pass started')

  const pass: Pass = {
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
  const patience = new Patience(tools, {
    waitMs: Math.min(options.waitMs ?? 0, endsAt - performance.now()),
    signal,
    onWait: (seconds) => options.onWait?.(seconds, pass.tally),
  })
  const crew = new Crew(pass, () => options.onProgress?.(pass.tally))
  const stopRenewing = keepAlive(pass, crew)
  let failure: unknown
  try {
    if (options.refreshAll) await makeSettledDue(db, { media: endpoint.media, logger, signal })
    await drain(pass, crew, {
      limit: options.limit ?? Number.POSITIVE_INFINITY,
      leastPriority: trigger === 'fresh' ? PRIORITY.bulk : LOWEST_PRIORITY,
      isTimeUp,
      patience,
    })
    if (isTimeUp()) logger.info({ minutes: config.maxDurationMinutes }, 'time is up, the rest waits')
  } catch (error) {
    failure = error
  } finally {
    await stopRenewing()
  }
  if (trigger === 'fresh' && pass.tally.claimed === 0 && failure === undefined) return takeBack(pass)
  return finish(pass, { failure, loss: crew.loss })
}

/** Renews heartbeat, counters and leases every third of a lease or more often; returns what stops it. */
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
        .catch((error: unknown) => logger.warn({ err: error }, 'could not renew the leases'))
    },
    Math.min((config.leaseSeconds * 1000) / 3, HEARTBEAT_AT_MOST_MS),
  )
  return async () => {
    clearInterval(timer)
    await renewing
  }
}

/** Once a minute nothing is due: that is not worth a row. */
async function takeBack({ db, runId, logger }: Pass): Promise<PassResult> {
  const run = await retryDatabase(() => readOpenRun(db, runId), logger)
  if (!run) throw new RunClosedError(runId)
  await retryDatabase(() => discardRun(db, runId), logger)
  logger.debug('nothing was due')
  return { run }
}

async function finish(
  pass: Pass,
  { failure, loss }: { readonly failure: unknown; readonly loss: Error | undefined },
): Promise<PassResult> {
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
  if (tally.quarantined > 0) {
    logger.warn({ quarantined: tally.quarantined }, 'records set aside, see status --stuck')
  }
  const { chain_position: chainPosition, chain_head: chainHead } = run
  logger.info({ status, ...tally, chainPosition, chainHead }, 'pass ended')
  return reason === undefined ? { run } : { run, failure: reason }
}

function endingText(reason: unknown): string | null {
  return reason instanceof Error ? storable(reason.message) : null
}
