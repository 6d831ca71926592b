import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { NEXT_SLOT_AT, PAUSED_UNTIL } from './quota.ts'

/** A shorter wait for a request slot is usual. */
const USUAL_WAIT_SECONDS = 60

const PAUSE_ENDS_AT = sql<Date>`greatest(
  case when ${PAUSED_UNTIL} > clock_timestamp() then ${PAUSED_UNTIL} end,
  case when ${NEXT_SLOT_AT} > clock_timestamp() + make_interval(secs => ${USUAL_WAIT_SECONDS}) then ${NEXT_SLOT_AT} end)`

/** Time until which the requests of an API key wait, the latest of all keys; null when none waits. */
export async function readPause(db: Kysely<Database>): Promise<Date | null> {
  const row = await db
    .selectFrom('identifai.api_quota')
    .select(({ fn }) => fn.max<Date | null>(PAUSE_ENDS_AT).as('ends_at'))
    .executeTakeFirst()
  return row?.ends_at ?? null
}

/** Ends the pauses of all API keys. Returns the time at which the last of them would have ended; null when there was none. */
export async function endPauses(db: Kysely<Database>): Promise<Date | null> {
  const endsAt = await readPause(db)
  await db
    .updateTable('identifai.api_quota')
    .set({ paused_until: null, next_slot_at: sql<Date>`clock_timestamp()` })
    .where(sql<boolean>`${PAUSE_ENDS_AT} is not null`)
    .execute()
  return endsAt
}
