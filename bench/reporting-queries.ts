import { type Kysely, sql } from 'kysely'
import type { Database } from '../src/platform/postgres/database.ts'

export interface ReportingQuery {
  readonly view: string
  readonly what: string
  readonly query: string
  readonly barMs: number
}

/** Bars for a query with a filter by identifier, day or last 30 days, and for a query over all rows. */
const [FILTERED_MS, WHOLE_MS] = [200, 10_000]

/** The columns that a query over many rows selects from each view. A query for one identifier selects all. */
const AGGREGATES: Readonly<Record<string, string>> = {
  tracked_identifiers: 'state, count(*), max(waiting_seconds)',
  classifications:
    'effective_classification, count(*), avg(machine_confidence), count(*) filter (where is_forced)',
  verdicts: 'heuristic, count(*), avg(confidence), count(*) filter (where not agrees_with_main)',
  verdict_models: 'model, count(*)',
  file_model_results: 'model, count(*), avg(artificial_score), count(*) filter (where abstained)',
  clip_model_results: 'model, count(*), avg(artificial_score), count(*) filter (where abstained)',
  clips: 'classification, count(*), avg(confidence), count(*) filter (where disagrees_with_effective)',
  artificial_spans: 'clip_count, count(*), max(span_end - span_start)',
  classification_history: 'effective_classification, count(*), count(*) filter (where forced)',
  forced_classifications: 'force_classification, count(*), max(same_file_identifiers)',
  force_events: 'event, count(*), avg(machine_confidence_after)',
  review_worklist: 'rank, count(*)',
}

/** The queries of the bench, with an identifier and a day from the seeded data. */
export async function reportingQueries(db: Kysely<Database>): Promise<ReportingQuery[]> {
  const { rows } = await sql<{ identifier: string; day: string }>`
    select identifier, (submitted_at at time zone 'UTC')::date::text as day from identifai.identifiers
    where id = (select max(id) / 2 + 1 from identifai.identifiers)`.execute(db)
  const { identifier, day } = rows[0] ?? { identifier: '', day: '' }
  const submitted = {
    'one day': `submitted_at >= '${day}' and submitted_at < '${day}'::date + 1`,
    'last 30 days': `submitted_at >= now() - interval '30 days'`,
  }
  const perIdentifier = Object.entries(AGGREGATES).flatMap(([view, columns]): ReportingQuery[] => [
    {
      view,
      what: 'one identifier, all columns',
      query: `select * from identifai_reporting.${view} where identifier = '${identifier}'`,
      barMs: FILTERED_MS,
    },
    ...Object.entries(submitted).map(([what, condition]) => ({
      view,
      what,
      query: `select ${columns} from identifai_reporting.${view} where ${condition} group by 1`,
      barMs: FILTERED_MS,
    })),
    {
      view,
      what: 'all',
      query: `select ${columns} from identifai_reporting.${view} group by 1`,
      barMs: WHOLE_MS,
    },
  ])
  return [
    ...perIdentifier,
    other(
      'classifications',
      'first seen in the last 30 days',
      `where first_observed_at >= now() - interval '30 days' group by 1`,
      FILTERED_MS,
      'verdict_source, count(*)',
    ),
    other('classifications', 'all columns, one day', `where ${submitted['one day']}`, FILTERED_MS),
    other('classifications', 'clip share, all', '', WHOLE_MS, 'avg(artificial_clip_share)'),
    other(
      'classifications',
      'by month and label, all',
      'group by 1, 2',
      WHOLE_MS,
      "date_trunc('month', submitted_at), effective_classification, count(*)",
    ),
    other(
      'classification_history',
      'as of a day, of one day',
      `where valid_from <= '${day}'::date + 2 and (valid_to > '${day}'::date + 2 or valid_to is null) and ${submitted['one day']} group by 1`,
      FILTERED_MS,
      'effective_classification, count(*)',
    ),
    other(
      'classification_history',
      'changed in the last 30 days',
      `where valid_from >= now() - interval '30 days' group by 1`,
      FILTERED_MS,
      'forced, count(*)',
    ),
    other(
      'force_events',
      'seen in the last 30 days',
      `where not_after >= now() - interval '30 days'`,
      FILTERED_MS,
    ),
    other(
      'force_decisions',
      'of the last 30 days',
      `where not_after >= now() - interval '30 days'`,
      FILTERED_MS,
    ),
    other('force_decisions', 'all', 'group by 1', WHOLE_MS, 'explanation, count(*)'),
    other('heuristic_agreement', 'all', '', WHOLE_MS),
    other('model_daily', 'one day', `where day = '${day}'`, FILTERED_MS),
    other('model_daily', 'last 30 days', `where day >= current_date - 30`, FILTERED_MS),
    other('model_daily', 'all', '', WHOLE_MS),
    other(
      'review_worklist',
      'first 50 of the last 30 days',
      `where ${submitted['last 30 days']} order by rank, machine_confidence limit 50`,
      FILTERED_MS,
    ),
    other('sync_freshness', 'all', '', FILTERED_MS),
    other('data_dictionary', 'all', '', FILTERED_MS),
  ]
}

function other(view: string, what: string, clauses: string, barMs: number, columns = '*'): ReportingQuery {
  return { view, what, query: `select ${columns} from identifai_reporting.${view} ${clauses}`, barMs }
}
