import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

const RUNS_SHOWN = 5

/** The queue and the last runs at one moment. The keys are those of the JSON output. */
export async function readStatus(db: Kysely<Database>) {
  return { tracked: await readStates(db), ...(await readQueue(db)), last_runs: await readLastRuns(db) }
}

export type Status = Awaited<ReturnType<typeof readStatus>>

/** Tracked identifiers by state, with those that have a problem, unless retired; a state without any is left out. */
export async function readStates(db: Kysely<Database>) {
  return db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => [
      'state',
      fn.countAll<number>().as('identifiers'),
      fn.count<number>('last_error').filterWhere('state', '<>', 'retired').as('with_error'),
      // Kysely has no mode().
      sql<string | null>`mode() within group (order by last_error) filter (where state <> 'retired')`.as(
        'common_error',
      ),
    ])
    .groupBy('state')
    .orderBy('state')
    .execute()
}

export type Queue = Awaited<ReturnType<typeof readQueue>>

/** Identifiers that are due now and not leased, those that a run has leased, those that will be due, and the first time. */
export async function readQueue(db: Kysely<Database>) {
  const isLeased = sql<boolean>`lease_until > now()`
  return db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => [
      fn
        .countAll<number>()
        .filterWhere(sql<boolean>`due_at <= now() and (${isLeased}) is not true`)
        .as('due'),
      fn.countAll<number>().filterWhere(isLeased).as('leased'),
      fn.countAll<number>().filterWhere('due_at', '>', sql<Date>`now()`).as('waiting'),
      fn.min('due_at').filterWhere('due_at', '>', sql<Date>`now()`).as('next_due_at'),
    ])
    .executeTakeFirstOrThrow()
}

/** The last runs: the duration, so far while it runs, and the age of the heartbeat, null when it has ended. */
export async function readLastRuns(db: Kysely<Database>) {
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

/**
 * The identifiers that are quarantined, missing, or whose last request failed, in this order and the oldest first. The keys
 * are those of the JSON output; `attempts` are failed requests in a row, `absences` responses in a row that did not have it.
 */
export async function readStuck(db: Kysely<Database>, limit: number) {
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

export type Stuck = Awaited<ReturnType<typeof readStuck>>[number]
