import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { IdentifierState } from '../../platform/postgres/tables/identifiers.ts'

/** Where everything stands at this moment. */
export interface Status {
  /** Tracked identifiers by state; a state without any is left out. */
  readonly tracked: readonly StateStatus[]
  /** Due now, and not being asked by anybody. */
  readonly due: number
  /** Being asked at this moment. */
  readonly leased: number
  /** The earliest time at which something not yet due will be; null when nothing will. */
  readonly next_due_at: Date | null
  readonly last_runs: readonly RunStatusLine[]
}

interface StateStatus {
  readonly state: IdentifierState
  readonly identifiers: number
  /** Those whose last ask went wrong. */
  readonly with_error: number
  /** What went wrong most often. */
  readonly common_error: string | null
}

export interface RunStatusLine {
  readonly started_at: Date
  readonly trigger: string
  readonly status: string
  /** How long it took, or has taken so far. */
  readonly seconds: number
  readonly claimed: number
  readonly requests: number
  readonly changed: number
  /** Since its last sign of life; null when it has ended. */
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
      // Kysely has no word for mode().
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
