import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Logger } from '../../platform/logger.ts'
import { PauseTooLongError } from '../../platform/errors.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import { RETRY_POLICY } from '../../platform/retry.ts'
import type { DatabaseTime } from '../../platform/time.ts'

/** Slots are a little slower than the limit, so that jitter does not overflow a fixed or a rolling window. */
const MARGIN = 1.015

/** A round trip to a database on another continent does not count as late. */
const LEAST_LATENESS_MS = 250

/** A longer wait for a slot is logged, because an operator would think that the run hangs. */
const SILENT_WAIT_MS = 60_000

/** Slots that are passed up for being late; where every slot is late, another one would be no better. */
const MAX_LATE_SLOTS = 3

export interface QuotaOptions {
  readonly db: Kysely<Database>
  readonly logger: Logger
  readonly apiKey: string
  readonly requestsPerSecond: number
  readonly requestsPerMinute: number
}

/** A time to wait, and the database's clock when it was read. */
interface Wait {
  readonly waitMs: number
  readonly now: DatabaseTime
}

/** A request slot that was taken. */
interface Slot extends Wait {
  /** The time from which the next slot is free. */
  readonly end: DatabaseTime
}

/**
 * The request slots of one API key. All processes share them through one row of the database, whose clock sets the pace.
 * Every statement is repeated when the database fails for a transient reason.
 */
export class Quota {
  readonly #db: Kysely<Database>
  readonly #logger: Logger
  readonly #fingerprint: string
  readonly #spacing: RawBuilder<unknown>
  readonly #maxLatenessMs: number
  #hasRow = false
  #throttled: { readonly inARow: number; readonly at: DatabaseTime } | undefined

  constructor({ db, logger, apiKey, requestsPerSecond, requestsPerMinute }: QuotaOptions) {
    this.#db = db
    this.#logger = logger
    this.#fingerprint = keyFingerprint(apiKey)
    this.#spacing = sql`${seconds(slotSpacingSeconds(requestsPerSecond, requestsPerMinute))} * ${SLOWDOWN}`
    this.#maxLatenessMs = Math.max(LEAST_LATENESS_MS, latenessBoundMs(requestsPerSecond, requestsPerMinute))
  }

  /**
   * Waits for a request slot. An urgent request takes the next slot. Any other takes one only when it is free at that moment,
   * so that it never delays an urgent request.
   *
   * Resolves with the database's clock, read after the wait and before the request leaves.
   *
   * @throws PauseTooLongError when the API has requested a pause that is longer than a run waits.
   */
  async takeSlot({
    urgent,
    signal,
  }: {
    readonly urgent: boolean
    readonly signal: AbortSignal
  }): Promise<DatabaseTime> {
    await this.#ensureRow()
    for (let slots = 1; ; slots++) {
      signal.throwIfAborted()
      const taken = await (urgent ? this.#reserveSlot() : this.#takeFreeSlot())
      if (taken && taken.waitMs <= 0) return taken.now
      const { waitMs } = taken ?? (await this.#until(FREE_AT))
      if (waitMs > RETRY_POLICY.request.maxPauseMs) refuseLongPause((await this.#untilPauseEnds()).waitMs)
      if (waitMs > SILENT_WAIT_MS)
        this.#logger.warn({ waitMs: Math.round(waitMs) }, 'waiting for a request slot')
      await sleep(Math.max(1, Math.ceil(waitMs)), undefined, { signal })
      if (taken) {
        // The API may have requested a pause during the wait, or the end of one may have given the slot away. And a request that
        // leaves long after its slot, because the machine or the database was busy, could crowd the next ones.
        const slot = await this.#readReserved(taken.end)
        const lateMs = Date.parse(slot.now) - Date.parse(taken.now) - waitMs
        if (slot.isFree && (lateMs <= this.#maxLatenessMs || slots > MAX_LATE_SLOTS)) return slot.now
      }
    }
  }

  /**
   * Counts a request with the response 429, since the API last accepted one. Requests that left before the last 429 came do
   * not count, because they say nothing about the pace after it.
   *
   * @returns How many there were in a row, this one included.
   */
  throttled(requestedAt: DatabaseTime): number {
    const { inARow, at } = this.#throttled ?? { inARow: 0, at: '' }
    this.#throttled = { inARow: requestedAt > at ? inARow + 1 : inARow, at }
    return this.#throttled.inARow
  }

  /** Makes every process wait, those that have taken a slot included. A pause is never shortened. */
  async pause(pauseMs: number): Promise<void> {
    await this.#retried(() =>
      this.#row()
        .set({ paused_until: pausedFor(pauseMs) })
        .execute(),
    )
  }

  /**
   * Makes every process wait after a 429. Then requests are slower, if this was not the only 429: the account may have a
   * lower quota than configured.
   *
   * @param requestedAt Time of the request that had the response 429.
   * @returns The factor by which requests are slower than configured.
   */
  async pauseForQuota(pauseMs: number, requestedAt: DatabaseTime): Promise<number> {
    const { slower, slowest } = RETRY_POLICY.pace
    const isRepeated = sql`${SLOWDOWN_COUNTS} and throttled_at < ${requestedAt}::timestamptz`
    const { slowdown, at } = await this.#retried(() =>
      this.#row()
        .set({
          paused_until: pausedFor(pauseMs),
          slowdown: sql<number>`case when ${isRepeated} then least(slowdown * ${slower}, ${slowest}) else ${SLOWDOWN} end`,
          throttled_at: sql<Date>`clock_timestamp()`,
        })
        .returning(['slowdown', now().as('at')])
        .executeTakeFirstOrThrow(),
    )
    if (this.#throttled) this.#throttled = { ...this.#throttled, at }
    return slowdown
  }

  /** Records that the API accepted a request. Resolves with the database's clock, read after the response. */
  async accepted(): Promise<DatabaseTime> {
    this.#throttled = undefined
    const { now: at } = await this.#retried(() =>
      this.#row()
        .set({
          last_accepted_at: sql<Date>`clock_timestamp()`,
          slowdown: sql<number>`greatest(1, ${SLOWDOWN} * ${RETRY_POLICY.pace.faster})`,
        })
        .returning(now().as('now'))
        .executeTakeFirstOrThrow(),
    )
    return at
  }

  /** Returns true when the API has accepted a request with this key, from any process, within the last day. */
  async acceptedWithinDay(): Promise<boolean> {
    const row = await this.#retried(() =>
      this.#db
        .selectFrom('identifai.api_quota')
        .select(
          sql<boolean>`coalesce(last_accepted_at > clock_timestamp() - interval '1 day', false)`.as(
            'accepted',
          ),
        )
        .where('key_fingerprint', '=', this.#fingerprint)
        .executeTakeFirst(),
    )
    return row?.accepted ?? false
  }

  async #ensureRow(): Promise<void> {
    if (this.#hasRow) return
    await this.#retried(() =>
      this.#db
        .insertInto('identifai.api_quota')
        .values({
          key_fingerprint: this.#fingerprint,
          paused_until: null,
          throttled_at: null,
          last_accepted_at: null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    )
    this.#hasRow = true
  }

  /** Takes the next slot, however far ahead it is; the row lock puts all processes in one line. */
  async #reserveSlot(): Promise<Slot> {
    const next = sql<Date>`${FREE_AT} + ${this.#spacing}`
    return this.#retried(() =>
      this.#row()
        .set({ next_slot_at: next })
        .returning([
          millisecondsUntil(sql`next_slot_at - ${this.#spacing}`).as('waitMs'),
          now().as('now'),
          utcText(sql`next_slot_at`).as('end'),
        ])
        .executeTakeFirstOrThrow(),
    )
  }

  /** Reads whether a reserved slot may be used now: no pause has begun, and no end of a pause has given it away. */
  async #readReserved(end: DatabaseTime) {
    const isFree = sql<boolean>`coalesce(${PAUSED_UNTIL} <= clock_timestamp(), true) and next_slot_at >= ${end}::timestamptz`
    return this.#retried(() =>
      this.#db
        .selectFrom('identifai.api_quota')
        .select([isFree.as('isFree'), now().as('now')])
        .where('key_fingerprint', '=', this.#fingerprint)
        .executeTakeFirstOrThrow(),
    )
  }

  /** Takes a slot only if one is free now; undefined when none is. */
  async #takeFreeSlot(): Promise<Slot | undefined> {
    return this.#retried(() =>
      this.#row()
        .set({ next_slot_at: sql<Date>`clock_timestamp() + ${this.#spacing}` })
        .where(sql<boolean>`greatest(${NEXT_SLOT_AT}, ${PAUSED_UNTIL}, '-infinity') <= clock_timestamp()`)
        .returning([sql<number>`0`.as('waitMs'), now().as('now'), utcText(sql`next_slot_at`).as('end')])
        .executeTakeFirst(),
    )
  }

  /** Remaining time of the pause that the API has requested; not positive when there is none. */
  async #untilPauseEnds(): Promise<Wait> {
    return this.#until(sql`coalesce(${PAUSED_UNTIL}, clock_timestamp())`)
  }

  async #until(time: RawBuilder<unknown>): Promise<Wait> {
    return this.#retried(() =>
      this.#db
        .selectFrom('identifai.api_quota')
        .select([millisecondsUntil(time).as('waitMs'), now().as('now')])
        .where('key_fingerprint', '=', this.#fingerprint)
        .executeTakeFirstOrThrow(),
    )
  }

  #row() {
    return this.#db.updateTable('identifai.api_quota').where('key_fingerprint', '=', this.#fingerprint)
  }

  async #retried<T>(work: () => Promise<T>): Promise<T> {
    return retryDatabase(work, this.#logger)
  }
}

/**
 * The next free slot and the end of the pause, as stored; null where they are further ahead than any slot or pause can be.
 * The clock was set back then, or another process had a wrong rate.
 */
export const [NEXT_SLOT_AT, PAUSED_UNTIL] = [bounded('next_slot_at'), bounded('paused_until')] as const

/** The time from which a request may leave. */
const FREE_AT = sql`greatest(${NEXT_SLOT_AT}, ${PAUSED_UNTIL}, clock_timestamp())`

function bounded(column: 'next_slot_at' | 'paused_until'): RawBuilder<Date | null> {
  const longest = RETRY_POLICY.request.longestPauseMs / 1000
  return sql`case when ${sql.ref(column)} <= clock_timestamp() + ${seconds(longest)} then ${sql.ref(column)} end`
}

function pausedFor(milliseconds: number): RawBuilder<Date> {
  return sql`greatest(${PAUSED_UNTIL}, clock_timestamp() + ${seconds(milliseconds / 1000)})`
}

/** The last 429 still counts. */
const SLOWDOWN_COUNTS = sql`coalesce(
  throttled_at > clock_timestamp() - make_interval(mins => ${RETRY_POLICY.pace.countsForMinutes}), false)`

/** The factor by which requests are slower now. */
const SLOWDOWN = sql`case when ${SLOWDOWN_COUNTS} then slowdown else 1 end`

/** @throws PauseTooLongError when the rest of a pause that the API requires is longer than a run waits. */
export function refuseLongPause(pauseMs: number): void {
  const { maxPauseMs } = RETRY_POLICY.request
  if (pauseMs <= maxPauseMs) return
  throw new PauseTooLongError(
    `The API requires a pause (Retry-After) of ${pauseText(pauseMs)}, but a run waits for at most ${minutes(maxPauseMs)} minutes.`,
    'Run again after that. If the API is wrong, end the pause with identifai-sync resume.',
  )
}

/** A longer pause is stored as the longest one. */
function pauseText(milliseconds: number): string {
  if (milliseconds >= RETRY_POLICY.request.longestPauseMs) return 'an hour or more'
  return `${minutes(milliseconds)} minutes`
}

function minutes(milliseconds: number): number {
  return Math.ceil(milliseconds / 60_000)
}

/** Evenly spaced slots, no bursts: then no window of any kind has more requests than its limit. */
export function slotSpacingSeconds(requestsPerSecond: number, requestsPerMinute: number): number {
  return MARGIN * Math.max(1 / requestsPerSecond, 60 / requestsPerMinute)
}

/** How late after its slot a request may leave: any mix of late and punctual requests still fits any window. */
export function latenessBoundMs(requestsPerSecond: number, requestsPerMinute: number): number {
  const spacing = slotSpacingSeconds(requestsPerSecond, requestsPerMinute)
  return 1000 * Math.min(requestsPerSecond * spacing - 1, requestsPerMinute * spacing - 60)
}

/** Identifies an API key without revealing it. */
export function keyFingerprint(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex').slice(0, 16)
}

function now(): RawBuilder<DatabaseTime> {
  return utcText(sql`clock_timestamp()`)
}

function seconds(value: number): RawBuilder<unknown> {
  return sql`make_interval(secs => ${value})`
}

function millisecondsUntil(time: RawBuilder<unknown>): RawBuilder<number> {
  return sql<number>`extract(epoch from ${time} - clock_timestamp())::double precision * 1000`
}
