import { type Kysely, type RawBuilder, sql } from 'kysely'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { IdentifierState } from '../../platform/postgres/tables/queue.ts'
import type { DatabaseTime } from '../../platform/time.ts'
import { PRIORITY, prioritiesFrom } from './priority.ts'

/** One identifier that this run may request until its lease expires. */
export interface Claim {
  readonly id: number
  readonly media: string
  readonly identifier: string
  /** Number of this claim of the row; a write under another number is refused. */
  readonly claimNo: number
  readonly state: IdentifierState
  /** It has been done or errored at some time. */
  readonly wasFinished: boolean
  /** Higher is requested first. */
  readonly priority: number
  /** Failed requests in a row. */
  readonly attempts: number
  /** Most identifiers that a request with this one may hold; null when the request may be full. */
  readonly requestLimit: number | null
  readonly absences: number
  /** Digest of the last record, if that was finished; null when the next record has to be read. */
  readonly recordDigest: string | null
  /** Seconds since it was enqueued, by the database's clock. */
  readonly ageSeconds: number
  /** Database clock when it was claimed. */
  readonly claimedAt: DatabaseTime
}

/** A place in the order in which the identifiers of one priority are claimed. */
export interface Place {
  readonly priority: number
  readonly dueAt: DatabaseTime
  readonly id: number
}

/** A claim that was due, and its place. */
export type DueClaim = Claim & Place

export interface ClaimOptions {
  readonly media: string
  readonly runId: string
  /** Claims identifiers with a request limit and withheld ones, too. */
  readonly deferredToo: boolean
  readonly limit: number
  readonly leaseSeconds: number
  /** The priorities to claim, highest first, each from what comes after its place. */
  readonly places: readonly Place[]
}

/** Sets the lease and the number of the claim in a row of the queue, named `i`. */
function leaseOf(runId: string, leaseSeconds: number): RawBuilder<unknown> {
  return sql`lease_until = now() + make_interval(secs => ${leaseSeconds}), leased_by = ${runId}, claim_no = i.claim_no + 1`
}

/** A claimed row of the queue, named `i`, as a Claim. */
const CLAIM_COLUMNS: RawBuilder<Claim> = sql`
  i.id, i.media, i.identifier, i.claim_no as "claimNo", i.state, i.finished_at is not null as "wasFinished",
  i.priority, i.attempts, i.absences, i.request_limit as "requestLimit",
  encode(i.record_digest, 'hex') as "recordDigest",
  extract(epoch from now() - i.enqueued_at)::double precision as "ageSeconds",
  ${utcText(sql`now()`)} as "claimedAt"`

/**
 * The places before everything that is due, by priority from `leastPriority` up. They include the usual priorities, so that
 * a row that appears in one of these is claimed before those of a lower one.
 */
export async function startOfClaims(
  db: Kysely<Database>,
  { media, leastPriority }: { readonly media: string; readonly leastPriority: number },
): Promise<Place[]> {
  const { rows } = await sql<{ priority: number }>`
    with recursive ${prioritiesFrom(media, leastPriority)} select priority from priorities`.execute(db)
  const usual = Object.values(PRIORITY).filter((priority) => priority >= leastPriority)
  const priorities = new Set([...rows.map(({ priority }) => priority), ...usual])
  return [...priorities]
    .toSorted((one, other) => other - one)
    .map((priority) => ({ priority, dueAt: '-infinity', id: 0 }))
}

/**
 * Claims due identifiers for one run, highest priority and longest due first, in this order. Other processes do not get these
 * rows until the lease expires. Rows that another process is claiming or writing at this moment are skipped.
 *
 * One run claims a finished identifier only once, unless a refresh was requested after its request had left.
 *
 * Raw SQL, because Kysely has no unnest over several arrays.
 */
export async function claimDue(db: Kysely<Database>, options: ClaimOptions): Promise<DueClaim[]> {
  const { media, deferredToo, runId, limit, leaseSeconds, places } = options
  const { rows } = await sql<DueClaim>`
    with run as (select started_at from identifai.sync_runs where run_id = ${runId}),
    due as (
      select ready.id from unnest(
        ${places.map(({ priority }) => priority)}::smallint[],
        ${places.map(({ dueAt }) => dueAt)}::timestamptz[],
        ${places.map(({ id }) => id)}::bigint[]
      ) as place (priority, due_at, id) cross join lateral (
        select i.id from identifai.identifiers as i
        where i.media = ${media} and i.priority = place.priority and i.due_at <= now()
          and (i.due_at, i.id) > (place.due_at, place.id)
          and (i.lease_until is null or i.lease_until < now())
          and (${deferredToo} or (i.request_limit is null and i.withheld_at is null))
          and (i.state = 'pending' or i.last_requested_at is null
               or i.last_requested_at < (select started_at from run)
               or i.refresh_requested_at > i.last_requested_at)
        order by i.due_at, i.id limit ${limit} for update skip locked) as ready
      limit ${limit}
    )
    update identifai.identifiers as i
    set ${leaseOf(runId, leaseSeconds)}
    from due where i.id = due.id
    returning ${CLAIM_COLUMNS}, coalesce(${utcText(sql`i.due_at`)}, '-infinity') as "dueAt"`.execute(db)
  return rows.toSorted(inClaimOrder)
}

/** Times of one form compare as texts. */
function inClaimOrder(one: Place, other: Place): number {
  if (one.priority !== other.priority) return other.priority - one.priority
  if (one.dueAt !== other.dueAt) return one.dueAt < other.dueAt ? -1 : 1
  return one.id - other.id
}

/**
 * Claims the control group: finished identifiers, due or not, most recently confirmed first. If the API returns any identifiers,
 * it returns these.
 */
export async function claimControlGroup(
  db: Kysely<Database>,
  options: Pick<ClaimOptions, 'media' | 'runId' | 'limit' | 'leaseSeconds'>,
): Promise<Claim[]> {
  const { media, runId, limit, leaseSeconds } = options
  const { rows } = await sql<Claim>`
    with control as (
      select id from identifai.identifiers
      where ${isConfirmed(media)} and (lease_until is null or lease_until < now())
      order by due_at desc limit ${limit} for update skip locked
    )
    update identifai.identifiers as i set ${leaseOf(runId, leaseSeconds)}
    from control where i.id = control.id
    returning ${CLAIM_COLUMNS}`.execute(db)
  return rows
}

/** Reads the finished identifier of a medium that the API returned last; undefined when there is none. */
export async function readLastConfirmed(
  db: Kysely<Database>,
  media: string,
): Promise<{ readonly identifier: string; readonly confirmedAt: Date } | undefined> {
  const { rows } = await sql<{ identifier: string; confirmedAt: Date }>`
    select identifier, last_confirmed_at as "confirmedAt" from identifai.identifiers
    where ${isConfirmed(media)} order by due_at desc limit 1`.execute(db)
  return rows[0]
}

/** The last response had it, and it is finished. Its due time follows the order of the requests, and has an index. */
function isConfirmed(media: string): RawBuilder<boolean> {
  return sql`media = ${media} and priority = ${PRIORITY.refresh} and due_at is not null and state in ('done', 'errored')
    and absences = 0`
}

/** Claims one quarantined identifier for a run; undefined when it is no longer quarantined, or another run claimed it. */
export async function claimQuarantined(
  db: Kysely<Database>,
  { id, runId, leaseSeconds }: { readonly id: number; readonly runId: string; readonly leaseSeconds: number },
): Promise<Claim | undefined> {
  const { rows } = await sql<Claim>`
    update identifai.identifiers as i set ${leaseOf(runId, leaseSeconds)}
    where i.id = ${id} and i.state = 'quarantined' and (i.lease_until is null or i.lease_until < now())
    returning ${CLAIM_COLUMNS}`.execute(db)
  return rows[0]
}

/**
 * Milliseconds until the next unfinished identifier of a medium is due that no run has leased. Not positive when one is due
 * now; null when none will be.
 */
export async function untilPendingDue(db: Kysely<Database>, media: string): Promise<number | null> {
  const { rows } = await sql<{ waitMs: number | null }>`
    with recursive ${prioritiesFrom(media, PRIORITY.bulk)}
    select extract(epoch from min(next.due_at) - clock_timestamp())::double precision * 1000 as "waitMs"
    from priorities cross join lateral (
      select due_at from identifai.identifiers as i
      where i.media = ${media} and i.priority = priorities.priority and i.state = 'pending' and i.due_at is not null
        and (i.lease_until is null or i.lease_until < now())
      order by i.due_at limit 1) as next`.execute(db)
  return rows[0]?.waitMs ?? null
}
