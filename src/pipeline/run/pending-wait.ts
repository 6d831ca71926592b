import { setTimeout as sleep } from 'node:timers/promises'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { untilPendingDue } from '../queue/until-pending-due.ts'
import type { RunTools } from './run.ts'

/** What is enqueued meanwhile is noticed after this long at the latest. */
const LOOK_AGAIN_MS = 2000

/** What is due already and yet not ours is leased by somebody else, who will be done soon. */
const LEAST_WAIT_MS = 500

/** How long a pass stays, once nothing is due, for analyses that are not finished yet. */
export class PendingWait {
  readonly #tools: RunTools
  readonly #signal: AbortSignal
  readonly #onWait: (seconds: number) => void
  readonly #endsAt: number

  /** @param options.waitMs From now on; 0 waits for nothing. */
  constructor(
    tools: RunTools,
    options: {
      readonly waitMs: number
      readonly signal: AbortSignal
      readonly onWait: (seconds: number) => void
    },
  ) {
    this.#tools = tools
    this.#signal = options.signal
    this.#onWait = options.onWait
    this.#endsAt = performance.now() + options.waitMs
  }

  /** Waits until something may be due, and says whether it is worth looking: false when nothing will be in time. */
  async untilMoreIsDue(): Promise<boolean> {
    const leftMs = this.#endsAt - performance.now()
    if (leftMs <= 0) return false
    const { db, endpoint, logger } = this.#tools
    const dueMs = await retryDatabase(() => untilPendingDue(db, endpoint.media), logger)
    if (dueMs === null || dueMs > leftMs) return false
    this.#onWait(Math.max(0, dueMs) / 1000)
    await sleep(Math.min(Math.max(dueMs, LEAST_WAIT_MS), LOOK_AGAIN_MS), undefined, {
      signal: this.#signal,
    }).catch(() => {
      // Interrupted: the pass looks at the signal itself.
    })
    return true
  }
}
