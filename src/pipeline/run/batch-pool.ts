import { CircuitBrokenError, GaveUpError, RetryableError } from '../../platform/errors.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { dueAfterFailureSeconds, RETRY_POLICY } from '../../platform/retry.ts'
import type { Claim } from '../queue/claim.ts'
import { limitRequests, type Release, releaseClaims } from '../queue/lease.ts'
import type { Batch } from './batch.ts'
import { processBatch } from './process-batch.ts'
import type { Run } from './run.ts'

/** The batches in progress, at most `concurrency` of them, and the first reason to stop. */
export class BatchPool {
  /** The reason to start no further batch; undefined while there is none. */
  failure: unknown
  /** Claims that are no longer processed; released after the last claim, so that this run does not claim them again. */
  readonly abandoned: Claim[] = []

  readonly #run: Run
  readonly #onProgress: () => void
  /** Batches in progress, with their claims that have not ended yet. */
  readonly #batches = new Map<Promise<void>, ReadonlySet<Claim>>()
  #failedInARow = 0
  #loaded = 0
  #lastFailure: RetryableError | undefined
  /** Failed claims of a run without any response so far: the whole API may be down. */
  #failedUnexplained: Claim[] = []

  constructor(run: Run, onProgress: () => void) {
    this.#run = run
    this.#onProgress = onProgress
  }

  get hasRoom(): boolean {
    return this.#batches.size < this.#run.config.concurrency
  }

  get isIdle(): boolean {
    return this.#batches.size === 0
  }

  /** Claims in progress, whose leases have to be renewed. */
  get claims(): Claim[] {
    return [...this.#batches.values()].flatMap((open) => [...open])
  }

  /** Why some batches failed although the run went on; undefined when none did. */
  get lastFailure(): RetryableError | undefined {
    return this.#lastFailure
  }

  /** A run in which every batch failed has failed, however few they were. */
  failIfNothingLoaded(): void {
    if (this.#loaded === 0 && this.#lastFailure)
      this.failure ??= new GaveUpError('every batch', this.#lastFailure)
  }

  start(batch: Batch): void {
    const open = new Set(batch.claims)
    const work = this.#process(batch, open).finally(() => {
      this.#batches.delete(work)
      this.#onProgress()
    })
    this.#batches.set(work, open)
  }

  abandon(claims: Iterable<Claim>): void {
    this.abandoned.push(...claims)
  }

  async oneEnds(): Promise<void> {
    await Promise.race(this.#batches.keys())
  }

  async allEnd(): Promise<void> {
    await Promise.all(this.#batches.keys())
  }

  /** Never rejects: stores a failure, and releases the claims. */
  async #process(batch: Batch, open: Set<Claim>): Promise<void> {
    try {
      await processBatch(this.#run, batch, open)
      this.#failedInARow = 0
      this.#loaded++
    } catch (error) {
      if (error instanceof RetryableError) await this.#countFailed([...open], error)
      else {
        this.failure ??= error
        this.abandon(open)
      }
    }
  }

  async #countFailed(batch: readonly Claim[], error: RetryableError): Promise<void> {
    this.#lastFailure = error
    // Where others succeed, another failure of claims that failed before says nothing about the API.
    const isExpected = this.#loaded > 0 && batch.every(({ requestLimit }) => requestLimit !== null)
    if (!isExpected && ++this.#failedInARow >= RETRY_POLICY.run.maxFailedInARow)
      this.failure ??= new GaveUpError(`${this.#failedInARow} batches in a row`, error)
    this.#failedUnexplained.push(...batch)
    try {
      await release(this.#run, batch, error)
      await this.limitFailed()
    } catch (second) {
      this.failure ??= second
    }
  }

  /** Where other requests succeed, the cause of a failure may be in the request: its claims get smaller requests next. */
  async limitFailed(): Promise<void> {
    if (this.#loaded === 0 || this.#failedUnexplained.length === 0) return
    const { db, config, logger } = this.#run
    const ids = this.#failedUnexplained.splice(0).map((claim) => claim.id)
    await retryDatabase(() => limitRequests(db, { ids, batchSize: config.batchSize }), logger)
  }
}

/** Releases claims without an outcome. A request that failed for a transient reason is counted for each of them. */
export async function release(run: Run, claims: readonly Claim[], reason: unknown): Promise<void> {
  const failure = reason instanceof RetryableError ? reason.message : undefined
  const releases = claims.map((claim) =>
    failure === undefined
      ? { claim }
      : {
          claim,
          failure: { message: failure, dueAfterSeconds: dueAfterFailureSeconds(claim.attempts + 1) },
        },
  )
  await releaseAll(run, releases, reason)
}

/**
 * Releases the claims whose outcomes are held. After the circuit breaker has stopped the run, these identifiers are
 * withheld: the next run begins with others.
 */
export async function releaseHeld(run: Run, reason: unknown): Promise<void> {
  const withheld = reason instanceof CircuitBrokenError ? reason.message : undefined
  const releases = run.held.claims.map((claim) => (withheld === undefined ? { claim } : { claim, withheld }))
  await releaseAll(run, releases, reason)
}

async function releaseAll(run: Run, releases: readonly Release[], reason: unknown): Promise<void> {
  if (releases.length === 0) return
  run.tally.released += releases.length
  await retryDatabase(() => releaseClaims(run.db, run.runId, releases), run.logger)
  const why = reason instanceof Error ? reason.message : undefined
  run.logger.warn({ released: releases.length, reason: why }, 'claims released')
}
