import { type Kysely, type RawBuilder, sql } from 'kysely'
import { utcText } from '../../platform/postgres/clock.ts'
import { waitForWorkers } from '../../platform/postgres/citus.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { Json } from '../../platform/json.ts'

/** Retirement reasons that are sealed by name. */
const REASONS = 20

/**
 * Totals of the tracked identifiers, as a run seals them. The open runs are read after the identifiers. A record that counts
 * as confirmed is then either in a run that was sealed before, or in a run that `unsealed_runs` counts. The caller holds the
 * lock of the chain, so that no run is sealed in between.
 *
 * @param runId The run that is about to be sealed.
 */
export async function readTrackedTotals(db: Kysely<Database>, runId: string) {
  const totals = await countIdentifiers(db)
  await waitForWorkers(db)
  return { ...totals, unsealed_runs: await countUnsealedRuns(db, runId) }
}

async function countIdentifiers(db: Kysely<Database>) {
  return db
    .with('counted', (cte) =>
      cte
        .selectFrom('identifai.identifiers')
        .select(({ fn }) => [
          'state',
          'retired_reason',
          fn.countAll<number>().as('n'),
          fn.min('last_confirmed_at').as('confirmed_since'),
          fn.min(LAST_KNOWN_AT).as('known_since'),
        ])
        .groupBy(['state', 'retired_reason']),
    )
    .selectFrom('counted')
    .select([
      counted(sql`true`).as('tracked_count'),
      counted(sql`state = 'pending'`).as('pending_count'),
      counted(sql`state = 'done'`).as('done_count'),
      counted(sql`state = 'errored'`).as('errored_count'),
      counted(sql`state = 'missing'`).as('missing_count'),
      counted(sql`state = 'quarantined'`).as('quarantined_count'),
      counted(sql`state = 'retired'`).as('retired_count'),
      // As text, because a Date would lose the microseconds.
      utcText(sql`min(confirmed_since) filter (where state in ('done', 'errored'))`).as('confirmed_since'),
      utcText(sql`min(known_since) filter (where state in ('pending', 'missing', 'quarantined'))`).as(
        'unfinished_since',
      ),
      REANALYZING.as('reanalyzing_count'),
      RETIRED_REASONS.as('retired_reasons'),
    ])
    .executeTakeFirstOrThrow()
}

/** An identifier is known up to its last confirmation, and an unfinished one up to the time at which it was enqueued. */
export const LAST_KNOWN_AT = sql<Date>`case when finished_at is null then enqueued_at else last_confirmed_at end`

/** Counts the identifiers of some states from the groups, so that the table is read only once. */
function counted(condition: RawBuilder<unknown>): RawBuilder<number> {
  return sql`coalesce(sum(n) filter (where ${condition}), 0)::bigint`
}

/** Finished identifiers whose latest record is unfinished. These records are few, and are read before the identifiers. */
const REANALYZING = sql<number>`(
  with reanalyzed as materialized (
    select latest.classification_id from identifai.classification_revisions as latest
    where latest.status = 'new' and latest.revision_no > 1 and not exists (
      select from identifai.classification_revisions as later
      where later.classification_id = latest.classification_id and later.revision_no > latest.revision_no)
  )
  select count(*) from reanalyzed
  join identifai.identifiers as i on i.id = reanalyzed.classification_id and i.state in ('done', 'errored')
)`

/** Null when nothing is retired. Raw SQL, because Kysely has no aggregate over aggregates. */
const RETIRED_REASONS = sql<Json>`(
  select jsonb_agg(jsonb_build_object('reason', reason, 'identifiers', identifiers)
    order by reason is null, identifiers desc, reason)
  from (
    select case when rank <= ${REASONS} then retired_reason end as reason, sum(n) as identifiers
    from (
      select retired_reason, n, row_number() over (order by n desc, retired_reason) as rank
      from counted where state = 'retired'
    ) as ranked
    group by 1
  ) as named
)`

/** Counts the other open runs that have changed a content. They are few. */
async function countUnsealedRuns(db: Kysely<Database>, runId: string): Promise<number> {
  const others = await db
    .selectFrom('identifai.sync_runs')
    .select('run_id')
    .where('status', '=', 'running')
    .where('run_id', '<>', runId)
    .execute()
  let unsealed = 0
  for (const other of others) {
    const revision = await db
      .selectFrom('identifai.classification_revisions')
      .select('revision_no')
      .where('run_id', '=', other.run_id)
      .limit(1)
      .executeTakeFirst()
    if (revision) unsealed++
  }
  return unsealed
}
