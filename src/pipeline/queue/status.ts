import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { IdentifierState } from '../../platform/postgres/tables/queue.ts'

/** The queue and the last runs at one moment. The keys are those of the JSON output. */
export interface Status {
  /** Tracked identifiers by state; a state without any is left out. */
  readonly tracked: readonly StateStatus[]
  /** Due now, and not leased. */
  readonly due: number
  /** Leased by a run at this moment. */
  readonly leased: number
  /** When the next identifier that is not due yet will be; null when none will. */
  readonly next_due_at: Date | null
  readonly last_runs: readonly RunStatusLine[]
}

interface StateStatus {
  readonly state: IdentifierState
  readonly identifiers: number
  /** Identifiers of the state whose last request failed. */
  readonly with_error: number
  /** The most frequent error among them. */
  readonly common_error: string | null
}

export interface RunStatusLine {
  readonly started_at: Date
  readonly trigger: string
  readonly status: string
  /** Its duration; so far, while it runs. */
  readonly seconds: number
  readonly claimed: number
  readonly requests: number
  readonly changed: number
  /** Age of its heartbeat; null when it has ended. */
  readonly seconds_since_heartbeat: number | null
  readonly error: string | null
}

const RUNS_SHOWN = 5

export async function readStatus(db: Kysely<Database>): Promise<Status> {
  const [tracked, queue, last_runs] = [await readStates(db), await readQueue(db), await readLastRuns(db)]
  return { tracked, ...queue, last_runs }
}

async function readStates(db: Kysely<Database>): Promise<StateStatus[]> {
  return db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => [
      'state',
      fn.countAll<number>().as('identifiers'),
      fn.count<number>('last_error').as('with_error'),
      // Kysely has no mode().
      sql<string | null>`mode() within group (order by last_error)`.as('common_error'),
    ])
    .groupBy('state')
    .orderBy('state')
    .execute()
}

async function readQueue(db: Kysely<Database>) {
  const isLeased = sql<boolean>`lease_until > now()`
  return db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => [
      fn
        .countAll<number>()
        .filterWhere(sql<boolean>`due_at <= now() and (${isLeased}) is not true`)
        .as('due'),
      fn.countAll<number>().filterWhere(isLeased).as('leased'),
      fn.min('due_at').filterWhere('due_at', '>', sql<Date>`now()`).as('next_due_at'),
    ])
    .executeTakeFirstOrThrow()
}

async function readLastRuns(db: Kysely<Database>): Promise<RunStatusLine[]> {
  return db
    .selectFrom('identifai.sync_runs')
    .select([
      'started_at',
      'trigger',
      'status',
      sql<number>`extract(epoch from coalesce(finished_at, clock_timestamp()) - started_at)::double precision`.as(
        'seconds',
      ),
      'claimed',
      'requests',
      'changed',
      sql<number | null>`case when status = 'running'
        then extract(epoch from clock_timestamp() - heartbeat_at)::double precision end`.as(
        'seconds_since_heartbeat',
      ),
      'error',
    ])
    .orderBy('started_at', 'desc')
    .limit(RUNS_SHOWN)
    .execute()
}

/** An identifier that needs attention, and why. The keys are those of the JSON output. */
export interface Stuck {
  readonly identifier: string
  readonly state: IdentifierState
  /** Failed requests in a row, and responses in a row that did not have it. */
  readonly attempts: number
  readonly absences: number
  readonly last_requested_at: Date | null
  readonly due_at: Date | null
  readonly last_error: string | null
}

/** The identifiers that are quarantined, missing, or whose last request failed, in this order and the oldest first. */
export async function readStuck(db: Kysely<Database>, limit: number): Promise<Stuck[]> {
  return db
    .selectFrom('identifai.identifiers')
    .select(['identifier', 'state', 'attempts', 'absences', 'last_requested_at', 'due_at', 'last_error'])
    .where((eb) =>
      eb.or([
        eb('state', 'in', ['quarantined', 'missing']),
        eb.and([eb('last_error', 'is not', null), eb('state', '<>', 'retired')]),
      ]),
    )
    .orderBy((eb) => eb.case('state').when('quarantined').then(0).when('missing').then(1).else(2).end())
    .orderBy('enqueued_at')
    .orderBy('id')
    .limit(limit)
    .execute()
}
