import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { GaveUpError, RetryableError } from '../../platform/errors.ts'
import type { Claim } from '../queue/claim.ts'
import { limitRequests } from '../queue/limit-requests.ts'
import { releaseAll } from './release-all.ts'
import type { Run } from './run.ts'
import { processBatch } from './process-batch.ts'

/** Batches in a row lost to failures that may pass, after which a pass gives up. */
const MAX_FAILED_IN_A_ROW = 5

/** The batches under way, at most `concurrency` of them, and the first reason to stop. */
export class BatchPool {
  /** Why no further batch should be started; undefined while all is well. */
  failure: unknown
  /** Claims that nobody works on any more; given back when all claiming is over, lest this run claims them again. */
  readonly abandoned: Claim[] = []

  readonly #run: Run
  readonly #onProgress: () => void
  /** Work under way, with the claims of it that have not ended yet. */
  readonly #batches = new Map<Promise<void>, ReadonlySet<Claim>>()
  #failedInARow = 0
  #loaded = 0
  #lastLoss: RetryableError | undefined
  /** Claims lost in a pass that has not had an answer yet: the API may be down as a whole. */
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

  /** Claims that are being worked on, whose leases have to last. */
  get claims(): Claim[] {
    return [...this.#batches.values()].flatMap((open) => [...open])
  }

  /** Why some batches were lost though the pass went on; undefined when none was. */
  get loss(): RetryableError | undefined {
    return this.#lastLoss
  }

  /** A pass that has lost all it asked for has failed, however little that was. */
  failIfNothingLoaded(): void {
    if (this.#loaded === 0 && this.#lastLoss)
      this.failure ??= new GaveUpError('every batch was lost', this.#lastLoss)
  }

  start(batch: readonly Claim[]): void {
    const open = new Set(batch)
    const work = this.#work(open).finally(() => {
      this.#batches.delete(work)
      this.#onProgress()
    })
    this.#batches.set(work, open)
  }

  abandon(batch: Iterable<Claim>): void {
    this.abandoned.push(...batch)
  }

  async oneEnds(): Promise<void> {
    await Promise.race(this.#batches.keys())
  }

  async allEnd(): Promise<void> {
    await Promise.all(this.#batches.keys())
  }

  /** Never rejects: a failure is kept, and the claims are given back. */
  async #work(open: Set<Claim>): Promise<void> {
    try {
      await processBatch(this.#run, open)
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
    this.#lastLoss = error
    // Where others succeed, it says nothing of the API that those are lost again which were lost before.
    const isExpected = this.#loaded > 0 && batch.every(({ requestLimit }) => requestLimit !== null)
    if (!isExpected && ++this.#failedInARow >= MAX_FAILED_IN_A_ROW)
      this.failure ??= new GaveUpError(`${this.#failedInARow} batches in a row were lost`, error)
    this.#failedUnexplained.push(...batch)
    try {
      await releaseAll(this.#run, batch, error)
      await this.limitFailed()
    } catch (second) {
      this.failure ??= second
    }
  }

  /** Where other requests succeed, the reason for a loss may be in the request: its claims share smaller ones next. */
  async limitFailed(): Promise<void> {
    if (this.#loaded === 0 || this.#failedUnexplained.length === 0) return
    const { db, config, logger } = this.#run
    const ids = this.#failedUnexplained.splice(0).map((claim) => claim.id)
    await retryDatabase(() => limitRequests(db, { ids, batchSize: config.batchSize }), logger)
  }
}
