import type { Kysely } from 'kysely'
import type { Logger } from 'pino'
import type { Database } from '../../platform/postgres/database.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import type { Claim } from '../queue/claim.ts'
import { claimDue } from '../queue/claim-due.ts'
import { releaseUnknownClaims } from '../queue/release-unknown-claims.ts'
import { packRequest } from '../api/pack-request.ts'
import type { Packing } from './run.ts'

export interface ClaimFeedOptions {
  readonly db: Kysely<Database>
  readonly logger: Logger
  readonly endpoint: Endpoint
  readonly runId: string
  readonly leastPriority: number
  readonly batchSize: number
  readonly packing: Readonly<Packing>
  readonly targetPathBytes: number
  readonly leaseSeconds: number
  /** Claims at most, over the whole pass. */
  readonly limit: number
  /** Whether the time of the pass is up: nothing more is claimed then. */
  readonly isTimeUp: () => boolean
  readonly onClaimed: (count: number) => void
  /** Claims handed out that have not ended yet. */
  readonly underWay: () => readonly Claim[]
}

/** Hands out what is due in requests as full as they can be; claims that do not fit go into the next one. */
export interface ClaimFeed {
  /** The next request's claims; empty when nothing is due, or the limit is reached. */
  next(): Promise<readonly Claim[]>
  /** Whether the limit is reached, or the time is up: nothing will be handed out any more. */
  isSpent(): boolean
  /** Claims made but not handed out; whoever stops early gives them back. */
  leftOver(): readonly Claim[]
}

export function createClaimFeed(options: ClaimFeedOptions): ClaimFeed {
  let waiting: readonly Claim[] = []
  let remaining = options.limit
  const claim = async (limit: number, limitedToo: boolean) => {
    const { db, runId, endpoint, logger } = options
    let isRepeated = false
    return retryDatabase(async () => {
      const known = [...waiting, ...options.underWay()].map(({ id }) => id)
      if (isRepeated) await releaseUnknownClaims(db, { runId, known })
      isRepeated = true
      return claimDue(db, { ...options, media: endpoint.media, limit, limitedToo })
    }, logger)
  }
  return {
    next: async () => {
      if (options.isTimeUp()) remaining = 0
      const limit = Math.min(options.batchSize - waiting.length, remaining)
      if (limit > 0) {
        let claims = await claim(limit, false)
        // Last: they are the ones most likely to be lost again.
        if (claims.length === 0) claims = await claim(limit, true)
        remaining -= claims.length
        waiting = [...waiting, ...claims]
        options.onClaimed(claims.length)
      }
      const { batch, rest } = packRequest(waiting, {
        pathBytes: options.targetPathBytes,
        maxBytes: options.packing.maxUrlBytes,
      })
      waiting = rest
      return batch
    },
    isSpent: () => remaining === 0 && waiting.length === 0,
    leftOver: () => waiting,
  }
}
