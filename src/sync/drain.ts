import { ApiAnswerError, RetryableError } from '../errors.ts'
import type { Claim } from '../extract/claim.ts'
import { releaseClaims } from '../extract/release-claims.ts'
import { createClaimFeed } from './claim-feed.ts'
import { retryAfterSeconds } from './due-time.ts'
import type { Pass } from './pass.ts'
import { processBatch } from './process-batch.ts'

/** Batches in a row lost to failures that may pass, after which a pass gives up. */
const MAX_LOST_IN_A_ROW = 5

export interface DrainOptions {
  /** Identifiers to ask for at most. */
  readonly limit: number
  /** Called after each batch and each claim. */
  readonly onProgress: () => void
  /** Told which claims are in flight, so that their leases are renewed. */
  readonly inFlight: Set<Claim>
}

/**
 * Works until nothing is due: up to `concurrency` batches at once. The first failure that no retry mends stops the
 * claiming; what is in flight is finished or given back before it is thrown.
 */
export async function drain(pass: Pass, options: DrainOptions): Promise<void> {
  const { config, endpoint, signal, tally } = pass
  const feed = createClaimFeed({
    ...config,
    db: pass.db,
    endpoint,
    runId: pass.runId,
    pathBytes: new URL(config.apiUrl + endpoint.path).pathname.length,
    limit: options.limit,
    onClaimed: (count) => {
      tally.claimed += count
    },
  })
  const running = new Set<Promise<void>>()
  let failure: unknown
  let lostInARow = 0

  const start = (batch: readonly Claim[]) => {
    for (const claim of batch) options.inFlight.add(claim)
    const work = processBatch(pass, batch)
      .then(
        () => {
          lostInARow = 0
        },
        async (error: unknown) => {
          await giveBack(pass, batch, error)
          if (!(error instanceof RetryableError)) failure ??= error
          else if (++lostInARow >= MAX_LOST_IN_A_ROW) failure ??= gaveUp(error)
        },
      )
      .catch((error: unknown) => {
        failure ??= error
      })
      .finally(() => {
        for (const claim of batch) options.inFlight.delete(claim)
        running.delete(work)
        options.onProgress()
      })
    running.add(work)
  }

  try {
    while (failure === undefined && !signal.aborted) {
      if (running.size < config.concurrency) {
        const batch = await feed.next()
        if (batch.length > 0) {
          start(batch)
          continue
        }
        if (running.size === 0) break
      }
      // A batch under way may still wake siblings: only when all is quiet is nothing due.
      await Promise.race(running)
    }
  } catch (error) {
    failure ??= error
  }
  await Promise.all(running)
  await giveBack(pass, feed.leftOver(), signal.reason)
  if (failure !== undefined && !signal.aborted) throw failure
}

/** Gives claims back; an ask that was lost to a failure that may pass is counted against them. */
async function giveBack(pass: Pass, claims: readonly Claim[], error: unknown): Promise<void> {
  pass.tally.released += claims.length
  const lost = error instanceof RetryableError
  await releaseClaims(
    pass.db,
    pass.runId,
    claims.map((claim) =>
      lost
        ? { claim, failure: { message: error.message, dueAfterSeconds: retryAfterSeconds(claim.attempts + 1) } }
        : { claim },
    ),
  )
  if (claims.length > 0) {
    pass.logger.warn({ runId: pass.runId, released: claims.length, reason: (error as Error)?.message }, 'claims given back')
  }
}

function gaveUp(cause: Error): ApiAnswerError {
  return new ApiAnswerError(`Gave up after ${MAX_LOST_IN_A_ROW} lost requests in a row; the last one: ${cause.message}`, {
    cause,
  })
}
