import { MEDIA } from '../../media/registry.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { type LeaseHolder, readLeaseHolders } from '../queue/lease.ts'
import type { Run } from './run.ts'

/**
 * The identifiers that are due but leased by other runs. The process of such a run may have died: then its leases end, and
 * this run claims them. A run that records a heartbeat meanwhile is alive, and its identifiers are left to it.
 */
export class OtherLeases {
  readonly #run: Run
  readonly #leastPriority: number
  /** The heartbeat of each run when its leases were first seen. */
  readonly #heartbeats = new Map<string, string | null>()
  #waitsUntil: number | undefined
  #hasLoggedLeft = false

  constructor(run: Run, leastPriority: number) {
    this.#run = run
    this.#leastPriority = leastPriority
  }

  /** Returns true while leases may be those of dead processes, so that the run has to wait for their end: a lease at most. */
  async mayEnd(): Promise<boolean> {
    const { config, logger } = this.#run
    this.#waitsUntil ??= performance.now() + config.leaseSeconds * 1000
    const secondsToWait = (this.#waitsUntil - performance.now()) / 1000
    const holders = await this.#read()
    const doubtful = holders.filter((one) => !this.#isAlive(one) && one.secondsLeft <= secondsToWait)
    for (const { runId, heartbeatAt } of doubtful) {
      if (!this.#heartbeats.has(runId)) this.#heartbeats.set(runId, heartbeatAt)
    }
    const left = holders.reduce((sum, { identifiers }) => sum + identifiers, 0)
    if (doubtful.length > 0) return true
    if (left > 0 && !this.#hasLoggedLeft) logger.info({ left }, 'due identifiers left to other runs')
    this.#hasLoggedLeft = left > 0
    return false
  }

  async #read(): Promise<LeaseHolder[]> {
    const { db, runId, logger } = this.#run
    const leastPriority = this.#leastPriority
    const holders = await retryDatabase(
      () => Promise.all(MEDIA.map((media) => readLeaseHolders(db, { media, runId, leastPriority }))),
      logger,
    )
    return holders.flat()
  }

  #isAlive({ runId, heartbeatAt }: LeaseHolder): boolean {
    const first = this.#heartbeats.get(runId)
    return first !== undefined && heartbeatAt !== null && heartbeatAt !== first
  }
}
