import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { DatabaseTime } from '../../platform/time.ts'
import type { Claim } from './claim.ts'
import { prioritiesFrom } from './priority.ts'
import { updateLocked } from './update-locked.ts'

/** A claim that is released without an outcome. */
export interface Release {
  readonly claim: Claim
  /** The failure of its request, which is counted. */
  readonly failure?: { readonly message: string; readonly dueAfterSeconds: number }
  /** The reason for which its outcome was withheld; it is claimed after all others. */
  readonly withheld?: string
}

/**
 * Extends the leases that a run still holds on these rows. Skips a row that another transaction has locked to write an
 * outcome or a refresh request. Waiting for it outside the id order could deadlock.
 */
export async function renewLeases(
  db: Kysely<Database>,
  options: { readonly runId: string; readonly ids: readonly number[]; readonly leaseSeconds: number },
): Promise<void> {
  await updateLocked(db, (identifiers) =>
    identifiers
      // One array parameter, however many ids.
      .where(sql<boolean>`id = any(${options.ids}::bigint[])`)
      .where('leased_by', '=', options.runId)
      .skipLocked(),
  )
    .set({ lease_until: sql`now() + make_interval(secs => ${options.leaseSeconds})` })
    .execute()
}

/**
 * Releases claims without an outcome. State and counters stay, except after a failed request. An identifier whose refresh
 * was requested while it was claimed stays due. Identifiers of a control group that are not due are not withheld.
 * Claims that this run no longer holds are skipped.
 */
export async function releaseClaims(
  db: Kysely<Database>,
  runId: string,
  releases: readonly Release[],
): Promise<void> {
  if (releases.length === 0) return
  const ids = releases.map(({ claim }) => claim.id)
  // Locks in id order, as every transaction does. Kysely has no unnest over several arrays.
  await sql`
    with mine as (
      select id from identifai.identifiers
      where id = any(${ids}::bigint[]) and leased_by = ${runId} order by id for update
    )
    update identifai.identifiers as i set
      lease_until = null, leased_by = null,
      attempts = i.attempts + case when r.failure is null then 0 else 1 end,
      last_error = coalesce(r.failure, case when i.due_at <= now() then r.withheld end, i.last_error),
      withheld_at = case when r.withheld is not null and i.due_at <= now() then now() else i.withheld_at end,
      due_at = case when r.failure is null or i.refresh_requested_at > r.claimed_at then i.due_at
                    else now() + make_interval(secs => r.due_after_seconds) end
    from mine join unnest(
      ${ids}::bigint[],
      ${releases.map(({ claim }) => claim.claimNo)}::integer[],
      ${releases.map(({ claim }) => claim.claimedAt)}::timestamptz[],
      ${releases.map(({ failure }) => failure?.message ?? null)}::text[],
      ${releases.map(({ failure }) => failure?.dueAfterSeconds ?? null)}::double precision[],
      ${releases.map(({ withheld }) => withheld ?? null)}::text[]
    ) as r (id, claim_no, claimed_at, failure, due_after_seconds, withheld) using (id)
    where i.id = mine.id and i.claim_no = r.claim_no`.execute(db)
}

/**
 * Ends the leases of a run on rows that it does not know: their claim took effect, but its result was lost. Otherwise no
 * run could claim them until the leases expire.
 */
export async function releaseUnknownClaims(
  db: Kysely<Database>,
  { runId, known }: { readonly runId: string; readonly known: readonly number[] },
): Promise<void> {
  await updateLocked(db, (identifiers) =>
    identifiers.where('leased_by', '=', runId).where(sql<boolean>`id <> all(${known}::bigint[])`),
  )
    .set({ lease_until: null, leased_by: null })
    .execute()
}

/** A run that has leased due identifiers, and its last sign of life. */
export interface LeaseHolder {
  readonly runId: string
  readonly identifiers: number
  /** Seconds until the first of these leases ends. */
  readonly secondsLeft: number
  /** Null when the run is closed. */
  readonly heartbeatAt: DatabaseTime | null
}

/** The other runs that have leased identifiers of a medium that are due. */
export async function readLeaseHolders(
  db: Kysely<Database>,
  {
    media,
    runId,
    leastPriority,
  }: { readonly media: string; readonly runId: string; readonly leastPriority: number },
): Promise<LeaseHolder[]> {
  const { rows } = await sql<LeaseHolder>`
    with recursive ${prioritiesFrom(media, leastPriority)}
    select leased.leased_by as "runId", count(*) as identifiers, ${utcText(sql`r.heartbeat_at`)} as "heartbeatAt",
      extract(epoch from min(leased.lease_until) - now())::double precision as "secondsLeft"
    from priorities cross join lateral (
      select leased_by, lease_until from identifai.identifiers as i
      where i.media = ${media} and i.priority = priorities.priority and i.due_at <= now()
        and i.lease_until > now() and i.leased_by <> ${runId}) as leased
    left join identifai.sync_runs as r on r.run_id = leased.leased_by and r.status = 'running'
    group by leased.leased_by, r.heartbeat_at`.execute(db)
  return rows
}

/**
 * Limits the size of the next request of identifiers whose requests failed: half as many with every failure. So the identifier
 * that causes the failures is alone in its request after seven. Skips identifiers that are leased again already.
 */
export async function limitRequests(
  db: Kysely<Database>,
  options: { readonly ids: readonly number[]; readonly batchSize: number },
): Promise<void> {
  await updateLocked(db, (identifiers) =>
    identifiers
      .where(sql<boolean>`id = any(${options.ids}::bigint[])`)
      .where('attempts', '>', 0)
      .where('leased_by', 'is', null),
  )
    .set({
      // A shift by 32 or more would wrap around.
      request_limit: sql<number>`greatest(1, ${options.batchSize}::integer >> least(i.attempts, 30))`,
    })
    .execute()
}
