import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { RetryableError } from '../../platform/errors.ts'
import type { Claim } from '../queue/claim.ts'
import { releaseClaims } from '../queue/release-claims.ts'
import { retryAfterSeconds } from './due-time.ts'
import type { Run } from './run.ts'

/** Gives claims back without an outcome; an ask that was lost to a failure that may pass is counted against them. */
export async function releaseAll(run: Run, claims: readonly Claim[], reason: unknown): Promise<void> {
  if (claims.length === 0) return
  run.tally.released += claims.length
  const lost = reason instanceof RetryableError ? reason.message : undefined
  const releases = claims.map((claim) =>
    lost === undefined
      ? { claim }
      : { claim, failure: { message: lost, dueAfterSeconds: retryAfterSeconds(claim.attempts + 1) } },
  )
  await retryDatabase(() => releaseClaims(run.db, run.runId, releases), run.logger)
  const why = reason instanceof Error ? reason.message : undefined
  run.logger.warn({ released: claims.length, reason: why }, 'claims released')
}
