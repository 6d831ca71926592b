import { createClaimFeed } from './claim-feed.ts'
import type { Crew } from './crew.ts'
import { giveBack } from './give-back.ts'
import type { Pass } from './pass.ts'

/**
 * Works until nothing is due, `limit` identifiers have been claimed, or the signal says stop. The first failure that
 * no retry mends stops the claiming; what is in flight is finished or given back before it is thrown.
 */
export async function drain(pass: Pass, crew: Crew, limit: number): Promise<void> {
  const { config, db, endpoint, runId, signal, tally } = pass
  const feed = createClaimFeed({
    ...config,
    db,
    endpoint,
    runId,
    limit,
    pathBytes: new URL(config.apiUrl + endpoint.path).pathname.length,
    onClaimed: (count) => {
      tally.claimed += count
    },
  })
  const stopping = () => crew.failure !== undefined || signal.aborted
  try {
    while (!stopping()) {
      if (!crew.hasRoom) {
        await crew.oneEnds()
        continue
      }
      const batch = await feed.next()
      if (stopping()) crew.abandon(batch)
      else if (batch.length > 0) crew.start(batch)
      // A batch under way may still wake siblings: only when all is quiet is nothing due.
      else if (crew.isIdle) break
      else await crew.oneEnds()
    }
  } finally {
    await crew.allEnd()
    await giveBack(pass, [...crew.abandoned, ...feed.leftOver()], crew.failure ?? signal.reason)
  }
  if (crew.failure !== undefined && !signal.aborted) throw crew.failure
}
