import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { DatabaseTime } from '../../platform/database-time.ts'
import type { Logger } from 'pino'
import type { Database } from '../../platform/postgres/database.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { PauseTooLongError } from '../../platform/errors.ts'
import { MAX_PAUSE_MS } from './retry-after.ts'
import {
  ensureQuotaRow,
  noteAccepted,
  pauseQuota,
  reserveSlot,
  takeFreeSlot,
  untilFreeSlot,
  untilPauseEnds,
  type Wait,
  wasAcceptedWithinDay,
} from './quota-row.ts'

/** A little slower than the limit, so that neither a fixed nor a rolling window overflows by jitter. */
const MARGIN = 1.015

/** The way to a database on another continent, there and back, is not late. */
const LEAST_LATENESS_MS = 250

/** Slots let go for being late; where everything is that slow, another one would be no better. */
const MAX_SLOTS = 3

/** The request slots of one API key, shared by all processes through the database and paced by its clock. */
export interface Quota {
  /**
   * Waits for a request slot. An urgent request takes the next slot there is; any other takes one only when it is
   * free at that moment, so that it never stands in front of an urgent one.
   *
   * Resolves with the database's clock, read after the wait and before the request leaves.
   *
   * @throws PauseTooLongError when the API has asked for a pause that is longer than a pass should stand still.
   */
  takeSlot(options: { readonly urgent: boolean; readonly signal: AbortSignal }): Promise<DatabaseTime>
  /** Makes every process wait, those too that have taken a slot already: the API said so. */
  pause(pauseMs: number): Promise<void>
  /** Remembers that the API accepted a request. Resolves with the database's clock, read after the answer came. */
  accepted(): Promise<DatabaseTime>
  /** Whether the API has accepted a request with this key, from any process, within the last day. */
  acceptedWithinDay(): Promise<boolean>
}

export interface QuotaOptions {
  readonly db: Kysely<Database>
  readonly logger: Logger
  readonly apiKey: string
  readonly requestsPerSecond: number
  readonly requestsPerMinute: number
}

export function createQuota(options: QuotaOptions): Quota {
  const { db, logger, apiKey, requestsPerSecond, requestsPerMinute } = options
  const fingerprint = keyFingerprint(apiKey)
  const spacingSeconds = slotSpacingSeconds(requestsPerSecond, requestsPerMinute)
  const latenessMs = Math.max(LEAST_LATENESS_MS, latenessBoundMs(requestsPerSecond, requestsPerMinute))
  const retried = <T>(work: () => Promise<T>) => retryDatabase(work, logger)
  let hasRow = false
  const ensureRow = async () => {
    if (!hasRow) await retried(() => ensureQuotaRow(db, fingerprint))
    hasRow = true
  }
  return {
    takeSlot: async ({ urgent, signal }) => {
      await ensureRow()
      for (let slots = 1; ; slots++) {
        signal.throwIfAborted()
        const taken = await retried(() =>
          urgent
            ? reserveSlot(db, fingerprint, spacingSeconds)
            : takeFreeSlot(db, fingerprint, spacingSeconds),
        )
        if (taken && taken.waitMs <= 0) return taken.now
        const { waitMs } = taken ?? (await retried(() => untilFreeSlot(db, fingerprint)))
        if (waitMs > MAX_PAUSE_MS) refuseToPause(await retried(() => untilPauseEnds(db, fingerprint)))
        await sleep(Math.max(1, Math.ceil(waitMs)), undefined, { signal })
        if (taken) {
          // The API may have asked for a pause while this slot was waited for; and a request that leaves long after its
          // slot, because the machine or the database was busy, could crowd the next ones.
          const pause = await retried(() => untilPauseEnds(db, fingerprint))
          const lateMs = Date.parse(pause.now) - Date.parse(taken.now) - waitMs
          if (pause.waitMs <= 0 && (lateMs <= latenessMs || slots > MAX_SLOTS)) return pause.now
        }
      }
    },
    pause: (pauseMs) => retried(() => pauseQuota(db, fingerprint, pauseMs)),
    accepted: () => retried(() => noteAccepted(db, fingerprint)),
    acceptedWithinDay: () => retried(() => wasAcceptedWithinDay(db, fingerprint)),
  }
}

/** @throws PauseTooLongError when what is waited for is a pause that the API asked for, not the pace of the slots. */
function refuseToPause({ waitMs }: Wait): void {
  if (waitMs <= MAX_PAUSE_MS) return
  const minutes = Math.ceil(waitMs / 60_000)
  throw new PauseTooLongError(
    `The API has asked for a pause (Retry-After) that lasts for another ${minutes} minutes: run again then.`,
  )
}

/** Evenly spaced slots, no bursts: no window of any kind then sees more than its limit. */
export function slotSpacingSeconds(requestsPerSecond: number, requestsPerMinute: number): number {
  return MARGIN * Math.max(1 / requestsPerSecond, 60 / requestsPerMinute)
}

/** How late after its slot a request may leave: any number of them that late and punctual still fit any window. */
export function latenessBoundMs(requestsPerSecond: number, requestsPerMinute: number): number {
  const spacing = slotSpacingSeconds(requestsPerSecond, requestsPerMinute)
  return 1000 * Math.min(requestsPerSecond * spacing - 1, requestsPerMinute * spacing - 60)
}

/** Names an API key without giving it away. */
export function keyFingerprint(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex').slice(0, 16)
}
