import { createClaimFeed } from './claim-feed.ts'
import type { Crew } from './crew.ts'
import { giveBack } from './give-back.ts'
import { loadAnswer } from './load-answer.ts'
import type { Pass } from './pass.ts'
import type { Patience } from './patience.ts'

/**
 * Works until nothing is due and patience ends, `limit` identifiers have been claimed, the time is up, or the signal says
 * stop. The first failure that no retry mends stops the claiming; what is in flight is finished or given back before it is
 * thrown.
 */
export async function drain(
  pass: Pass,
  crew: Crew,
  bounds: {
    readonly limit: number
    readonly leastPriority: number
    readonly isTimeUp: () => boolean
    readonly patience: Patience
  },
): Promise<void> {
  const { config, signal, tally } = pass
  const feed = createClaimFeed({
    ...pass,
    batchSize: config.batchSize,
    leaseSeconds: config.leaseSeconds,
    ...bounds,
    onClaimed: (count) => {
      tally.claimed += count
    },
    underWay: () => [...crew.claims, ...pass.held.claims],
  })
  const stopping = () => crew.failure !== undefined || signal.aborted
  try {
    while (!stopping()) {
      if (!crew.hasRoom) {
        await crew.oneEnds()
        continue
      }
      const batch = await feed.next()
      pass.waiting = feed.leftOver()
      if (stopping()) crew.abandon(batch)
      else if (batch.length > 0) crew.start(batch)
      // A batch under way may still wake siblings: only when all is quiet is nothing due.
      else if (!crew.isIdle) await crew.oneEnds()
      else {
        // Nothing is due: as far as this pass can tell it has ended well, so that what it held may be written.
        await loadHeld(pass)
        if (feed.isSpent() || !(await bounds.patience.untilMoreIsDue())) break
      }
    }
    if (!signal.aborted) crew.judgeTheEnd()
  } finally {
    await crew.allEnd()
    const unfinished = [...crew.abandoned, ...feed.leftOver(), ...pass.held.claims]
    await giveBack(pass, unfinished, crew.failure ?? signal.reason)
    await crew.limitLost()
  }
  if (crew.failure !== undefined && !signal.aborted) throw crew.failure
}

/** Writes what was held: the pass has ended well, and the breaker has seen it all. */
async function loadHeld(pass: Pass): Promise<void> {
  for (const answer of pass.held.all) await loadAnswer(pass, answer, (claim) => pass.held.drop(claim))
}
