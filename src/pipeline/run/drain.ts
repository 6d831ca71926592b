import { setTimeout as sleep } from 'node:timers/promises'
import { MEDIA } from '../../media/registry.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { untilPendingDue } from '../queue/claim.ts'
import type { Batch } from './batch.ts'
import { type BatchPool, release, releaseHeld } from './batch-pool.ts'
import { ClaimFeed } from './claim-feed.ts'
import { takeControlGroup } from './control-group.ts'
import { loadOutcomes } from './load-outcomes.ts'
import { OtherLeases } from './other-leases.ts'
import type { Run } from './run.ts'

/** New identifiers are noticed after this time at the latest. */
const CHECK_EVERY_MS = 2000

/** An identifier that is due but leased by another run is released soon. */
const LEAST_WAIT_MS = 500

export interface DrainOptions {
  readonly limit: number
  readonly leastPriority: number
  readonly isTimeUp: () => boolean
  /** Waits for identifiers that a dead process has leased. */
  readonly waitsForLeases: boolean
  /** How long, from now, to wait for unfinished analyses once nothing is due; 0 does not wait. */
  readonly waitMs: number
  readonly onWait: (seconds: number) => void
}

/**
 * Processes the queue until nothing is due and the wait is over. Stops earlier at `limit` identifiers, at the time limit and
 * at the signal. The first permanent failure stops the claiming; it is thrown after the batches in progress have ended or
 * been released.
 */
export async function drain(run: Run, batches: BatchPool, options: DrainOptions): Promise<void> {
  const { signal } = run
  const waitsUntil = performance.now() + options.waitMs
  const feed = new ClaimFeed(run, {
    ...options,
    inProgress: () => [...batches.claims, ...run.held.claims],
  })
  const otherLeases = options.waitsForLeases ? new OtherLeases(run, options.leastPriority) : undefined
  const isStopping = () => batches.failure !== undefined || signal.aborted
  try {
    while (!isStopping()) {
      if (!batches.hasRoom) {
        await batches.oneEnds()
        continue
      }
      const wasIdle = batches.isIdle
      const batch = (await feed.next()) ?? (wasIdle ? await lastControlGroup(run) : undefined)
      run.waiting = feed.leftOver
      if (batch && isStopping()) batches.abandon(batch.claims)
      else if (batch) batches.start(batch)
      // A batch in progress may still request a refresh of same-file identifiers, also just after the claim.
      else if (!batches.isIdle) await batches.oneEnds()
      else if (wasIdle) {
        // Nothing is due: the run is ending, and the held outcomes can be written unless absences are still in doubt.
        for (const breaker of run.breakers.values()) {
          const keyIsProven = !breaker.isRefusedOnly || (await run.quota.acceptedWithinDay())
          batches.failure ??= breaker.check({ keyIsProven, isEnd: true })
        }
        if (isStopping()) break
        for (const group of run.held.all) await loadOutcomes(run, group, (claim) => run.held.drop(claim))
        if (feed.isExhausted) break
        if (await otherLeases?.mayEnd()) await pause(CHECK_EVERY_MS, signal)
        else if (!(await waitForPending(run, waitsUntil, options.onWait))) break
      }
    }
    if (!signal.aborted) batches.failIfNothingLoaded()
  } finally {
    await batches.allEnd()
    const reason = batches.failure ?? signal.reason
    await release(run, [...batches.abandoned, ...feed.leftOver], reason)
    await releaseHeld(run, reason)
    await batches.limitFailed()
  }
  if (batches.failure !== undefined && !signal.aborted) throw batches.failure
}

/** A control group that decides on absences before the run ends. */
async function lastControlGroup(run: Run): Promise<Batch | undefined> {
  for (const endpoint of run.breakers.keys()) {
    const group = await takeControlGroup(run, endpoint, { isEnd: true })
    if (group) return group
  }
  return undefined
}

/** Waits until an unfinished identifier may be due; returns false when none will be before `until`. */
async function waitForPending(
  { db, signal, logger }: Run,
  until: number,
  onWait: (seconds: number) => void,
): Promise<boolean> {
  const leftMs = until - performance.now()
  if (leftMs <= 0) return false
  const waits = await retryDatabase(
    () => Promise.all(MEDIA.map((media) => untilPendingDue(db, media))),
    logger,
  )
  const dueMs = Math.min(...waits.map((wait) => wait ?? Number.POSITIVE_INFINITY))
  if (dueMs > leftMs) return false
  onWait(Math.max(0, dueMs) / 1000)
  await pause(Math.min(Math.max(dueMs, LEAST_WAIT_MS), CHECK_EVERY_MS), signal)
  return true
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {
    // Aborted: the caller checks the signal.
  })
}
