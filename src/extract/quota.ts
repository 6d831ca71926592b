import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { type DatabaseTime, readClock, utcText } from '../db/clock.ts'
import type { Database } from '../db/database.ts'

/** A little slower than the limit, so that neither a fixed nor a rolling window overflows by jitter. */
const MARGIN = 1.015

export interface Quota {
  /**
   * Waits for the next request slot of this API key, shared by all processes through the database.
   * Resolves with the database's clock, read after the wait and before the request leaves.
   */
  takeSlot(signal: AbortSignal): Promise<DatabaseTime>
}

export interface QuotaOptions {
  readonly db: Kysely<Database>
  readonly apiKey: string
  readonly requestsPerSecond: number
  readonly requestsPerMinute: number
}

export function createQuota({ db, apiKey, requestsPerSecond, requestsPerMinute }: QuotaOptions): Quota {
  const fingerprint = keyFingerprint(apiKey)
  const spacingSeconds = slotSpacingSeconds(requestsPerSecond, requestsPerMinute)
  return {
    takeSlot: async (signal) => {
      signal.throwIfAborted()
      const slot = await reserveSlot(db, fingerprint, spacingSeconds)
      if (slot.waitMs <= 0) return slot.now
      await sleep(Math.ceil(slot.waitMs), undefined, { signal })
      return readClock(db)
    },
  }
}

/** Evenly spaced slots, no bursts: no window of any kind then sees more than its limit. */
export function slotSpacingSeconds(requestsPerSecond: number, requestsPerMinute: number): number {
  return MARGIN * Math.max(1 / requestsPerSecond, 60 / requestsPerMinute)
}

/** Names an API key without giving it away. */
export function keyFingerprint(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex').slice(0, 16)
}

interface Slot {
  readonly waitMs: number
  readonly now: DatabaseTime
}

/** Takes the next free slot; the row lock that ON CONFLICT takes puts all processes in one line. */
async function reserveSlot(db: Kysely<Database>, fingerprint: string, spacingSeconds: number): Promise<Slot> {
  const spacing = sql<Date>`make_interval(secs => ${spacingSeconds})`
  return db
    .insertInto('identifai.api_quota')
    .values({ key_fingerprint: fingerprint, next_slot_at: sql<Date>`clock_timestamp() + ${spacing}` })
    .onConflict((conflict) =>
      conflict.column('key_fingerprint').doUpdateSet({
        next_slot_at: sql<Date>`greatest(api_quota.next_slot_at, clock_timestamp()) + ${spacing}`,
      }),
    )
    .returning([
      sql<number>`extract(epoch from next_slot_at - ${spacing} - clock_timestamp())::double precision * 1000`.as(
        'waitMs',
      ),
      utcText(sql`clock_timestamp()`).as('now'),
    ])
    .executeTakeFirstOrThrow()
}
