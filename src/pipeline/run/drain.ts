import { createClaimFeed } from './claim-feed.ts'
import type { BatchPool } from './batch-pool.ts'
import { releaseAll } from './release-all.ts'
import { loadResponse } from './load-response.ts'
import type { Run } from './run.ts'
import type { PendingWait } from './pending-wait.ts'

/**
 * Works until nothing is due and patience ends, `limit` identifiers have been claimed, the time is up, or the signal says
 * stop. The first failure that no retry mends stops the claiming; what is in flight is finished or given back before it is
 * thrown.
 */
export async function drain(
  run: Run,
  batches: BatchPool,
  bounds: {
    readonly limit: number
    readonly leastPriority: number
    readonly isTimeUp: () => boolean
    readonly pendingWait: PendingWait
  },
): Promise<void> {
  const { config, signal, tally } = run
  const feed = createClaimFeed({
    ...run,
    batchSize: config.batchSize,
    leaseSeconds: config.leaseSeconds,
    ...bounds,
    onClaimed: (count) => {
      tally.claimed += count
    },
    underWay: () => [...batches.claims, ...run.held.claims],
  })
  const stopping = () => batches.failure !== undefined || signal.aborted
  try {
    while (!stopping()) {
      if (!batches.hasRoom) {
        await batches.oneEnds()
        continue
      }
      const batch = await feed.next()
      run.waiting = feed.leftOver()
      if (stopping()) batches.abandon(batch)
      else if (batch.length > 0) batches.start(batch)
      // A batch under way may still wake siblings: only when all is quiet is nothing due.
      else if (!batches.isIdle) await batches.oneEnds()
      else {
        // Nothing is due: as far as this pass can tell it has ended well, so that what it held may be written.
        await loadHeld(run)
        if (feed.isSpent() || !(await bounds.pendingWait.untilMoreIsDue())) break
      }
    }
    if (!signal.aborted) batches.failIfNothingLoaded()
  } finally {
    await batches.allEnd()
    const unfinished = [...batches.abandoned, ...feed.leftOver(), ...run.held.claims]
    await releaseAll(run, unfinished, batches.failure ?? signal.reason)
    await batches.limitFailed()
  }
  if (batches.failure !== undefined && !signal.aborted) throw batches.failure
}

/** Writes what was held: the pass has ended well, and the breaker has seen it all. */
async function loadHeld(run: Run): Promise<void> {
  for (const answer of run.held.all) await loadResponse(run, answer, (claim) => run.held.drop(claim))
}
