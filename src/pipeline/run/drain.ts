import { setTimeout as sleep } from 'node:timers/promises'
import { MEDIA } from '../../media/registry.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { untilPendingDue } from '../queue/claim.ts'
import { type BatchPool, release } from './batch-pool.ts'
import { ClaimFeed } from './claim-feed.ts'
import { loadOutcomes } from './load-outcomes.ts'
import type { Run } from './run.ts'

/** New identifiers are noticed after this time at the latest. */
const CHECK_EVERY_MS = 2000

/** An identifier that is due but leased by another run is released soon. */
const LEAST_WAIT_MS = 500

export interface DrainOptions {
  readonly limit: number
  readonly leastPriority: number
  readonly isTimeUp: () => boolean
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
  const isStopping = () => batches.failure !== undefined || signal.aborted
  try {
    while (!isStopping()) {
      if (!batches.hasRoom) {
        await batches.oneEnds()
        continue
      }
      const wasIdle = batches.isIdle
      const batch = await feed.next()
      run.waiting = feed.leftOver
      if (isStopping()) batches.abandon(batch)
      else if (batch.length > 0) batches.start(batch)
      // A batch in progress may still request a refresh of same-file identifiers, also just after the claim.
      else if (!batches.isIdle) await batches.oneEnds()
      else if (wasIdle) {
        // Nothing is due: the run is ending well, so the held outcomes can be written.
        for (const group of run.held.all) await loadOutcomes(run, group, (claim) => run.held.drop(claim))
        if (feed.isExhausted || !(await waitForPending(run, waitsUntil, options.onWait))) break
      }
    }
    if (!signal.aborted) batches.failIfNothingLoaded()
  } finally {
    await batches.allEnd()
    const unfinished = [...batches.abandoned, ...feed.leftOver, ...run.held.claims]
    await release(run, unfinished, batches.failure ?? signal.reason)
    await batches.limitFailed()
  }
  if (batches.failure !== undefined && !signal.aborted) throw batches.failure
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
  await sleep(Math.min(Math.max(dueMs, LEAST_WAIT_MS), CHECK_EVERY_MS), undefined, { signal }).catch(() => {
    // Aborted: the caller checks the signal.
  })
  return true
}
