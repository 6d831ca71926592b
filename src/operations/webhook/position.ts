import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { Position } from './notification.ts'

/** A process that dies is succeeded after this time, which is longer than one delivery. */
const LEASE_SECONDS = 60

/** Begins at the end of the chain, so that a new receiver does not get the changes of years. */
export async function initializePosition(db: Kysely<Database>): Promise<void> {
  await sql`
    insert into identifai.webhook_position (chain_position)
    select coalesce(max(chain_position), 0) + 1 from identifai.sync_runs where chain_head is not null
    on conflict do nothing`.execute(db)
}

/** Takes the lease of the position, when a sealed run follows it. Null when none does, or another process delivers. */
export async function takePosition(db: Kysely<Database>, owner: string): Promise<Position | null> {
  const { rows } = await sql<Position>`
    update identifai.webhook_position as p
    set leased_by = ${owner}, lease_until = clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})
    where (p.leased_by = ${owner} or p.lease_until is null or p.lease_until < clock_timestamp())
      and exists (
        select from identifai.sync_runs as r where r.chain_position >= p.chain_position and r.chain_head is not null)
    returning p.chain_position, p.classification_id, p.revision_no, p.quarantine_id`.execute(db)
  return rows[0] ?? null
}

/** Stores that everything up to a position was delivered, and renews the lease. False when another process has the lease. */
export async function advance(db: Kysely<Database>, owner: string, position: Position): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('identifai.webhook_position')
    .set({
      ...position,
      lease_until: sql<Date>`clock_timestamp() + make_interval(secs => ${LEASE_SECONDS})`,
      failing_since: null,
      last_error: null,
    })
    .where('leased_by', '=', owner)
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

export async function releasePosition(db: Kysely<Database>, owner: string): Promise<void> {
  await db
    .updateTable('identifai.webhook_position')
    .set({ leased_by: null, lease_until: sql<Date>`clock_timestamp()` })
    .where('leased_by', '=', owner)
    .execute()
}

/** Stores a failure, for `status` and the status page. */
export async function recordFailure(db: Kysely<Database>, owner: string, error: string): Promise<void> {
  await db
    .updateTable('identifai.webhook_position')
    .set({ failing_since: sql<Date>`coalesce(failing_since, clock_timestamp())`, last_error: error })
    .where('leased_by', '=', owner)
    .execute()
}

/** The failure of the last deliveries; null when the last one succeeded, or none was tried within a day. */
export async function readWebhookFailure(db: Kysely<Database>) {
  const row = await db
    .selectFrom('identifai.webhook_position')
    .select(['failing_since', 'last_error'])
    .select(
      sql<number>`extract(epoch from clock_timestamp() - failing_since)::double precision`.as('seconds'),
    )
    .where('failing_since', 'is not', null)
    .where('lease_until', '>', sql<Date>`now() - interval '1 day'`)
    .executeTakeFirst()
  if (row === undefined) return null
  const { failing_since, last_error, seconds } = row
  return { failing_since: failing_since as Date, last_error: last_error ?? '', seconds }
}

/** Seconds since the first failure after the last accepted notification; 0 without one. */
export async function readWebhookFailingSeconds(db: Kysely<Database>): Promise<number> {
  const failure = await readWebhookFailure(db)
  return failure?.seconds ?? 0
}
