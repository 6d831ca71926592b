import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { DatabaseTime } from '../../platform/database-time.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'

/** How long to wait, and the database's clock when that was read. */
export interface Wait {
  readonly waitMs: number
  readonly now: DatabaseTime
}

/** Makes sure that the quota row of a key exists. */
export async function ensureQuotaRow(db: Kysely<Database>, fingerprint: string): Promise<void> {
  await db
    .insertInto('identifai.api_quota')
    .values({ key_fingerprint: fingerprint, paused_until: null, last_accepted_at: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Takes the next slot, however far ahead it is; the row lock puts all processes in one line. */
export async function reserveSlot(
  db: Kysely<Database>,
  fingerprint: string,
  spacingSeconds: number,
): Promise<Wait> {
  const spacing = seconds(spacingSeconds)
  return db
    .updateTable('identifai.api_quota')
    .set({ next_slot_at: sql<Date>`greatest(next_slot_at, paused_until, clock_timestamp()) + ${spacing}` })
    .where('key_fingerprint', '=', fingerprint)
    .returning([millisecondsUntil(sql`next_slot_at - ${spacing}`).as('waitMs'), now().as('now')])
    .executeTakeFirstOrThrow()
}

/** Takes a slot only if one is free now; undefined when none is. */
export async function takeFreeSlot(
  db: Kysely<Database>,
  fingerprint: string,
  spacingSeconds: number,
): Promise<Wait | undefined> {
  return db
    .updateTable('identifai.api_quota')
    .set({ next_slot_at: sql<Date>`clock_timestamp() + ${seconds(spacingSeconds)}` })
    .where('key_fingerprint', '=', fingerprint)
    .where(sql<boolean>`greatest(next_slot_at, paused_until) <= clock_timestamp()`)
    .returning([sql<number>`0`.as('waitMs'), now().as('now')])
    .executeTakeFirst()
}

/** How long until a slot may be free. */
export async function untilFreeSlot(db: Kysely<Database>, fingerprint: string): Promise<Wait> {
  return readWait(db, fingerprint, sql`greatest(next_slot_at, paused_until)`)
}

/** How long the pause still lasts that the API has asked for; not positive when there is none. */
export async function untilPauseEnds(db: Kysely<Database>, fingerprint: string): Promise<Wait> {
  return readWait(db, fingerprint, sql`coalesce(paused_until, clock_timestamp())`)
}

/** Makes every process that shares the key wait; a pause is never cut short. */
export async function pauseQuota(db: Kysely<Database>, fingerprint: string, pauseMs: number): Promise<void> {
  await db
    .updateTable('identifai.api_quota')
    .set({ paused_until: sql<Date>`greatest(paused_until, clock_timestamp() + ${seconds(pauseMs / 1000)})` })
    .where('key_fingerprint', '=', fingerprint)
    .execute()
}

/** Remembers that the API has just accepted a request with the key. */
export async function noteAccepted(db: Kysely<Database>, fingerprint: string): Promise<DatabaseTime> {
  const row = await db
    .updateTable('identifai.api_quota')
    .set({ last_accepted_at: sql<Date>`clock_timestamp()` })
    .where('key_fingerprint', '=', fingerprint)
    .returning(now().as('now'))
    .executeTakeFirstOrThrow()
  return row.now
}

export async function wasAcceptedWithinDay(db: Kysely<Database>, fingerprint: string): Promise<boolean> {
  const row = await db
    .selectFrom('identifai.api_quota')
    .select(
      sql<boolean>`coalesce(last_accepted_at > clock_timestamp() - interval '1 day', false)`.as('accepted'),
    )
    .where('key_fingerprint', '=', fingerprint)
    .executeTakeFirst()
  return row?.accepted ?? false
}

async function readWait(db: Kysely<Database>, fingerprint: string, time: RawBuilder<unknown>): Promise<Wait> {
  return db
    .selectFrom('identifai.api_quota')
    .select([millisecondsUntil(time).as('waitMs'), now().as('now')])
    .where('key_fingerprint', '=', fingerprint)
    .executeTakeFirstOrThrow()
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
