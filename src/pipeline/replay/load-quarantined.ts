import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { SyncRunRow } from '../../platform/postgres/tables/sync-runs.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import { RunClosedError } from '../../platform/errors.ts'
import { recordDigest } from '../api/response-records.ts'
import type { Claim } from '../queue/claim.ts'
import { claimQuarantined } from '../queue/claim-quarantined.ts'
import { releaseClaims } from '../queue/release-claims.ts'
import type { Outcome } from '../load/outcome.ts'
import { storable } from '../run/evidence.ts'
import { loadResponse } from '../run/load-response.ts'
import { outcomesOf } from '../run/outcomes-of.ts'
import { statusOf } from '../run/run-status.ts'
import { recordHeartbeat, closeRun, newRun, openRun } from '../run/run-rows.ts'
import { emptyTally, type Tally } from '../run/tally.ts'
import { type Quarantined, type QuarantinedRecord, quarantinedPages } from './quarantined.ts'
import type { ReplayOptions, ReplayTools } from './replay-options.ts'

/** Whether every record of an identifier fits the contract by now. */
export function fits({ records }: Quarantined, endpoint: Endpoint): boolean {
  return records.every(({ record }) => endpoint.validate(record).accepted)
}

/**
 * Loads quarantined identifiers whose records fit the contract by now, as the answers they were: observed when they were
 * received, though only now understood. Since they may be old, they are due as if nothing had happened meanwhile. Works
 * as a run of its own, without requests, in which each record is a claim; returns it, or undefined when none fits.
 */
export async function loadQuarantined(
  tools: ReplayTools,
  options: ReplayOptions,
): Promise<SyncRunRow | undefined> {
  const tally = emptyTally()
  let run: Run | undefined
  let failure: unknown
  try {
    for await (const page of quarantinedPages(tools, options)) {
      for (const quarantined of page.filter((one) => fits(one, tools.endpoint))) {
        run ??= await open(tools, tally)
        await loadOne(run, quarantined)
      }
    }
  } catch (error) {
    failure = error
  }
  const sealed = run && (await close(run, { failure, interrupted: options.signal.aborted }))
  if (failure !== undefined) throw failure
  return sealed
}

type Run = ReplayTools & { readonly runId: string; readonly tally: Tally }

async function open(tools: ReplayTools, tally: Tally): Promise<Run> {
  const run = newRun('manual')
  const { runId, trigger } = run
  const logger = tools.logger.child({ runId, trigger })
  await retryDatabase(() => openRun(tools.db, run), logger)
  return { ...tools, logger, runId, tally }
}

async function close(
  { db, logger, runId, tally }: Run,
  { failure, interrupted }: { readonly failure: unknown; readonly interrupted: boolean },
): Promise<SyncRunRow> {
  const status = statusOf({ failed: failure !== undefined, interrupted, tally })
  const error = failure instanceof Error ? storable(failure.message) : null
  const sealed = await retryDatabase(() => closeRun(db, runId, { status, error, tally }), logger)
  if (!sealed) throw new RunClosedError(runId)
  return sealed
}

async function loadOne(run: Run, { id, records }: Quarantined): Promise<void> {
  const { db, config, logger, runId, tally } = run
  for (const [position, record] of records.entries()) {
    await retryDatabase(() => recordHeartbeat(db, runId, tally), logger)
    const claim = await retryDatabase(
      () => claimQuarantined(db, { id, runId, leaseSeconds: config.leaseSeconds }),
      logger,
    )
    // Requeued, retired or answered meanwhile.
    if (!claim) return
    tally.claimed++
    tally.returned++
    await loadRecord(run, claim, { ...record, isLast: position === records.length - 1 })
  }
}

async function loadRecord(
  run: Run,
  claim: Claim,
  { record, text, requestedAt, receivedAt, isLast }: QuarantinedRecord & { readonly isLast: boolean },
): Promise<void> {
  const { db, config, endpoint, runId, tally } = run
  const answered = { kind: 'read', value: record, text, digest: recordDigest(text) } as const
  const read = outcomesOf([claim], [answered], { endpoint, policy: config })
  const outcomes = isLast ? read.outcomes : read.outcomes.map(stillQuarantined)
  try {
    await loadResponse(run, { requestedAt, receivedAt, claims: [claim], outcomes })
  } catch (error) {
    tally.released++
    await releaseClaims(db, runId, [{ claim }])
    throw error
  }
}

/** Until its last record is loaded the identifier stays what it was, so that a replay that is cut off can go on. */
function stillQuarantined(outcome: Outcome): Outcome {
  return { ...outcome, ledger: { ...outcome.ledger, state: 'quarantined', dueAfterSeconds: null } }
}
