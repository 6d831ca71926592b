import { randomUUID } from 'node:crypto'
import os from 'node:os'
import { retryDatabase } from '../db/retry-database.ts'
import type { SyncRunRow } from '../db/tables/sync-runs.ts'
import { RunClosedError } from '../errors.ts'
import { claimQuarantined } from '../extract/claim-quarantined.ts'
import { loadAnswer } from '../sync/load-answer.ts'
import { outcomesOf } from '../sync/outcomes-of.ts'
import { passStatus } from '../sync/pass-status.ts'
import { beat, closeRun, openRun } from '../sync/run-rows.ts'
import { emptyTally, type Tally } from '../sync/tally.ts'
import { VERSION } from '../version.ts'
import { type Quarantined, quarantinedPages } from './quarantined.ts'
import type { ReplayOptions, ReplayTools } from './replay.ts'

/**
 * Loads quarantined records that fit the contract by now, as the answers they were: observed when they were received,
 * though only now understood. Since they may be old, their identifiers are due as if nothing had happened meanwhile.
 * Works as a run of its own, without requests; returns it, or undefined when no record fits.
 */
export async function loadQuarantined(
  tools: ReplayTools,
  options: ReplayOptions,
): Promise<SyncRunRow | undefined> {
  const { db, endpoint, logger } = tools
  const tally = emptyTally()
  let run: Run | undefined
  let failure: unknown
  try {
    for await (const page of quarantinedPages(db, { ...options, media: endpoint.media })) {
      for (const quarantined of page.filter(({ record }) => endpoint.validate(record).accepted)) {
        run ??= await open(tools, tally)
        await loadOne(run, quarantined)
      }
    }
  } catch (error) {
    failure = error
  }
  const runId = run?.runId
  if (runId === undefined) {
    if (failure !== undefined) throw failure
    return undefined
  }
  const interrupted = options.signal.aborted
  const status = passStatus({ failed: failure !== undefined, interrupted, tally })
  const error = failure instanceof Error ? failure.message : null
  const sealed = await retryDatabase(() => closeRun(db, runId, { status, error, tally }), logger)
  if (failure !== undefined) throw failure
  if (!sealed) throw new RunClosedError(runId)
  return sealed
}

type Run = ReplayTools & { readonly runId: string; readonly tally: Tally }

async function open(tools: ReplayTools, tally: Tally): Promise<Run> {
  const runId = randomUUID()
  const row = { runId, trigger: 'manual', host: os.hostname(), pid: process.pid, version: VERSION } as const
  await retryDatabase(() => openRun(tools.db, row), tools.logger)
  return { ...tools, runId, tally }
}

async function loadOne(run: Run, { id, record, askedAt, receivedAt }: Quarantined): Promise<void> {
  const { db, config, endpoint, logger, runId, tally } = run
  await retryDatabase(() => beat(db, runId, tally), logger)
  const claim = await retryDatabase(
    () => claimQuarantined(db, { id, runId, leaseSeconds: config.leaseSeconds }),
    logger,
  )
  // Requeued or retired meanwhile.
  if (!claim) return
  tally.claimed++
  tally.returned++
  const { outcomes } = outcomesOf([claim], [record], { endpoint, policy: config })
  await loadAnswer(run, { askedAt, receivedAt, claims: [claim], outcomes })
}
