import { type Kysely, sql } from 'kysely'
import { utcText } from '../db/clock.ts'
import type { Database } from '../db/database.ts'
import type { Json } from '../json.ts'

/** Reasons that are sealed by name. */
const REASONS = 20

/**
 * The ledger at this moment, as a run seals it. One statement, so that one moment is what it describes: an answer that
 * the ledger counts as confirmed is either in a run that was sealed before, or in one that `unsealed_runs` counts.
 *
 * @param runId The run that is about to be sealed.
 */
export async function readLedgerTotals(db: Kysely<Database>, runId: string) {
  return db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => [
      fn.countAll<number>().as('tracked_count'),
      fn.countAll<number>().filterWhere('state', '=', 'pending').as('pending_count'),
      fn.countAll<number>().filterWhere('state', '=', 'done').as('done_count'),
      fn.countAll<number>().filterWhere('state', '=', 'errored').as('errored_count'),
      fn.countAll<number>().filterWhere('state', '=', 'missing').as('missing_count'),
      fn.countAll<number>().filterWhere('state', '=', 'quarantined').as('quarantined_count'),
      fn.countAll<number>().filterWhere('state', '=', 'retired').as('retired_count'),
      // As text: a Date would lose the microseconds.
      utcText(sql`min(last_confirmed_at) filter (where state in ('done', 'errored'))`).as('confirmed_since'),
      utcText(sql`min(enqueued_at) filter (where state in ('pending', 'missing', 'quarantined'))`).as(
        'unsettled_enqueued_since',
      ),
      REANALYSING.as('reanalysing_count'),
      RETIRED_REASONS.as('retired_reasons'),
      unsealedRuns(runId).as('unsealed_runs'),
    ])
    .executeTakeFirstOrThrow()
}

/** Settled ones whose latest answer is unfinished. */
const REANALYSING = sql<number>`(
  select count(*) from identifai.classification_revisions as latest
  join identifai.identifiers as settled on settled.id = latest.classification_id and settled.state in ('done', 'errored')
  where latest.status = 'new' and latest.revision_no > 1 and not exists (
    select from identifai.classification_revisions as later
    where later.classification_id = latest.classification_id and later.revision_no > latest.revision_no)
)`

/** Null when nothing is retired. Aggregates over aggregates are plain SQL. */
const RETIRED_REASONS = sql<Json>`(
  select jsonb_agg(jsonb_build_object('reason', reason, 'identifiers', identifiers)
    order by reason is null, identifiers desc, reason)
  from (
    select case when rank <= ${REASONS} then retired_reason end as reason, sum(n) as identifiers
    from (
      select retired_reason, count(*) as n, row_number() over (order by count(*) desc, retired_reason) as rank
      from identifai.identifiers where state = 'retired' group by retired_reason
    ) as counted
    group by 1
  ) as named
)`

function unsealedRuns(runId: string) {
  return sql<number>`(
    select count(*) from identifai.sync_runs as other
    where other.status = 'running' and other.run_id <> ${runId} and exists (
      select from identifai.classification_revisions as revision where revision.run_id = other.run_id)
  )`
}
