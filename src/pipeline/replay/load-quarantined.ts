import { endpointOf } from '../../media/registry.ts'
import { RunClosedError } from '../../platform/errors.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { SyncRunRow } from '../../platform/postgres/tables/runs.ts'
import { storable } from '../../platform/text.ts'
import { recordDigest } from '../api/records.ts'
import type { Outcome } from '../load/outcome.ts'
import { type Claim, claimQuarantined } from '../queue/claim.ts'
import { releaseClaims } from '../queue/lease.ts'
import { loadOutcomes } from '../run/load-outcomes.ts'
import { outcomesOf } from '../run/rules/outcomes-of.ts'
import { emptyTally, statusOf, type Tally } from '../run/rules/tally.ts'
import { closeRun, newRun, openRun, recordHeartbeat } from '../run/run-rows.ts'
import { type Quarantined, type QuarantinedRecord, quarantinedPages } from './quarantined.ts'
import type { ReplayOptions, ReplayTools } from './options.ts'

/** Returns true when every record of an identifier fits the current contract. */
export function fits({ media, records }: Quarantined): boolean {
  const endpoint = endpointOf(media)
  return records.every(({ record }) => endpoint.validate(record).accepted)
}

/**
 * Loads quarantined identifiers whose records fit the current contract. A record counts as observed when it was received.
 * Its identifier is due as after that response, because the record may be old. Opens a run of its own, without requests, in
 * which each record is a claim; returns it, or undefined when no record fits.
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
      for (const quarantined of page.filter(fits)) {
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
  const run = newRun('replay')
  const { runId, trigger } = run
  const logger = tools.logger.child({ runId, trigger })
  await retryDatabase(() => openRun(tools.db, run), logger)
  return { ...tools, logger, runId, tally }
}

async function close(
  { db, logger, runId, tally, signer }: Run,
  { failure, interrupted }: { readonly failure: unknown; readonly interrupted: boolean },
): Promise<SyncRunRow> {
  const status = statusOf({ failed: failure !== undefined, interrupted, tally })
  const error = failure instanceof Error ? storable(failure.message) : null
  const sealed = await retryDatabase(() => closeRun(db, runId, { status, error, tally }, { signer }), logger)
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
    // It was requeued, retired or loaded meanwhile.
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
  const { db, config, runId, tally } = run
  const endpoint = endpointOf(claim.media)
  const bytes = Buffer.from(text)
  const returned = { kind: 'read', value: record, bytes, recordDigest: recordDigest(bytes) } as const
  const read = outcomesOf([claim], [returned], { endpoint, policy: config })
  const outcomes = isLast ? read.outcomes : read.outcomes.map(stillQuarantined)
  try {
    await loadOutcomes(run, { endpoint, requestedAt, receivedAt, claims: [claim], outcomes })
  } catch (error) {
    tally.released++
    await releaseClaims(db, runId, [{ claim }])
    throw error
  }
}

/** Keeps the identifier quarantined until its last record is loaded, so that an interrupted replay can continue. */
function stillQuarantined(outcome: Outcome): Outcome {
  return { ...outcome, update: { ...outcome.update, state: 'quarantined', dueAfterSeconds: null } }
}
