import { ENDPOINTS } from '../../media/registry.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { packRequest, targetPathBytes } from '../api/request.ts'
import type { Claim } from '../queue/claim.ts'
import { ClaimCursor } from '../queue/claim-cursor.ts'
import { releaseUnknownClaims } from '../queue/lease.ts'
import type { Batch } from './batch.ts'
import type { Run } from './run.ts'

export interface ClaimFeedOptions {
  readonly leastPriority: number
  /** Most claims of the whole run. */
  readonly limit: number
  /** Returns true after the time limit of the run: then nothing more is claimed. */
  readonly isTimeUp: () => boolean
  /** Claims of started batches that have not ended yet. */
  readonly inProgress: () => readonly Claim[]
}

/**
 * Turns due identifiers into batches, each as full as one request can be. A claim that does not fit is in a later batch.
 * A batch is of one medium; where several have something due, they take turns.
 */
export class ClaimFeed {
  readonly #run: Run
  readonly #options: ClaimFeedOptions
  readonly #cursors: ReadonlyMap<Endpoint, ClaimCursor>
  readonly #waiting = new Map<Endpoint, readonly Claim[]>(ENDPOINTS.map((endpoint) => [endpoint, []]))
  #remaining: number
  #turn = 0

  constructor(run: Run, options: ClaimFeedOptions) {
    this.#run = run
    this.#options = options
    this.#remaining = options.limit
    const { leaseSeconds } = run.config
    const { leastPriority } = options
    const cursorOf = ({ media }: Endpoint) =>
      new ClaimCursor(run.db, {
        media,
        leastPriority,
        runId: run.runId,
        leaseSeconds,
        clock: () => performance.now(),
      })
    this.#cursors = new Map(ENDPOINTS.map((endpoint) => [endpoint, cursorOf(endpoint)]))
  }

  /** The next batch; undefined when nothing is due, or the limit is reached. */
  async next(): Promise<Batch | undefined> {
    if (this.#options.isTimeUp()) this.#remaining = 0
    for (const _ of ENDPOINTS) {
      const endpoint = ENDPOINTS[this.#turn++ % ENDPOINTS.length] as Endpoint
      const claims = await this.#nextOf(endpoint)
      if (claims.length > 0) return { endpoint, claims, isControlGroup: false }
    }
    return undefined
  }

  /** True after the limit or the time limit, when there is no further batch. */
  get isExhausted(): boolean {
    return this.#remaining === 0 && this.leftOver.length === 0
  }

  /** Claims that are in no batch yet; they are released when the run stops early. */
  get leftOver(): readonly Claim[] {
    return [...this.#waiting.values()].flat()
  }

  async #nextOf(endpoint: Endpoint): Promise<readonly Claim[]> {
    const { config, tally } = this.#run
    const waiting = this.#waiting.get(endpoint) ?? []
    const limit = Math.min(config.batchSize - waiting.length, this.#remaining)
    let claims: readonly Claim[] = []
    if (limit > 0) {
      claims = await this.#claim(endpoint, limit)
      this.#remaining -= claims.length
      tally.claimed += claims.length
    }
    const { batch, rest } = packRequest([...waiting, ...claims], {
      pathBytes: targetPathBytes(config.apiUrl, endpoint.path),
      maxBytes: this.#run.maxUrlBytes,
    })
    this.#waiting.set(endpoint, rest)
    return batch
  }

  async #claim(endpoint: Endpoint, limit: number): Promise<readonly Claim[]> {
    const { db, runId, logger } = this.#run
    let isRepeated = false
    return retryDatabase(async () => {
      const known = [...this.leftOver, ...this.#options.inProgress()].map(({ id }) => id)
      if (isRepeated) await releaseUnknownClaims(db, { runId, known })
      isRepeated = true
      return (await this.#cursors.get(endpoint)?.next(limit)) ?? []
    }, logger)
  }
}
