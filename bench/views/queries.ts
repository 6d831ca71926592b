import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'

export interface ViewQuery {
  readonly view: string
  readonly what: string
  readonly query: string
  /** Milliseconds, or the table whose count(*) may take two thirds of the time. */
  readonly bar: number | string
}

/** Bars in milliseconds. The last one is for all rows of a view with one row a classification, or fewer. */
export const BAR = { identifier: 10, day: 60, month: 200, whole: 5000 }

/** The tables of the views with several rows a classification. */
const TABLE_OF: Readonly<Record<string, string>> = {
  verdicts: 'verdicts',
  verdict_models: 'clips',
  file_model_results: 'model_results',
  clip_model_results: 'model_results',
  clips: 'clips',
  artificial_spans: 'clips',
}

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
export async function viewQueries(db: Kysely<Database>): Promise<ViewQuery[]> {
  const { rows } = await sql<{ identifier: string; day: string }>`
    select identifier, (submitted_at at time zone 'UTC')::date::text as day from identifai.identifiers
    where id = (select max(id) / 2 + 1 from identifai.identifiers)`.execute(db)
  const { identifier, day } = rows[0] ?? { identifier: '', day: '' }
  const ofDay = `submitted_at >= '${day}' and submitted_at < '${day}'::date + 1`
  const ofMonth = `submitted_at >= now() - interval '30 days'`
  const perIdentifier = Object.entries(AGGREGATES).flatMap(([view, columns]): ViewQuery[] => [
    {
      view,
      what: 'one identifier, all columns',
      query: `select * from identifai_reporting.${view} where identifier = '${identifier}'`,
      bar: BAR.identifier,
    },
    {
      view,
      what: 'one day',
      query: `select ${columns} from identifai_reporting.${view} where ${ofDay} group by 1`,
      bar: BAR.day,
    },
    {
      view,
      what: 'last 30 days',
      query: `select ${columns} from identifai_reporting.${view} where ${ofMonth} group by 1`,
      bar: BAR.month,
    },
    {
      view,
      what: 'all',
      query: `select ${columns} from identifai_reporting.${view} group by 1`,
      bar: TABLE_OF[view] ?? BAR.whole,
    },
  ])
  return [
    ...perIdentifier,
    other(
      'classifications',
      'first seen in the last 30 days',
      `where first_observed_at >= now() - interval '30 days' group by 1`,
      BAR.month,
      'verdict_source, count(*)',
    ),
    other('classifications', 'all columns, one day', `where ${ofDay}`, BAR.day),
    other('classifications', 'clip share, all', '', BAR.whole, 'avg(artificial_clip_share)'),
    other(
      'classifications',
      'by month and label, all',
      'group by 1, 2',
      BAR.whole,
      "date_trunc('month', submitted_at), effective_classification, count(*)",
    ),
    other(
      'classification_history',
      'as of a day, of one day',
      `where valid_from <= '${day}'::date + 2 and (valid_to > '${day}'::date + 2 or valid_to is null) and ${ofDay} group by 1`,
      BAR.day,
      'effective_classification, count(*)',
    ),
    other(
      'classification_history',
      'changed in the last 30 days',
      `where valid_from >= now() - interval '30 days' group by 1`,
      BAR.month,
      'forced, count(*)',
    ),
    other(
      'force_events',
      'seen in the last 30 days',
      `where not_after >= now() - interval '30 days'`,
      BAR.month,
    ),
    other(
      'force_decisions',
      'of the last 30 days',
      `where not_after >= now() - interval '30 days'`,
      BAR.month,
    ),
    other('force_decisions', 'all', 'group by 1', BAR.whole, 'explanation, count(*)'),
    other('classifications', 'changed last, all columns', 'order by changed_at desc limit 1000', BAR.whole),
    other('files', 'all', 'group by 1', BAR.whole, 'effective_classification, count(*)'),
    other('files', 'submitted more than twice', 'where submissions > 2', BAR.whole),
    other('heuristic_agreement', 'all', '', BAR.whole),
    other('model_agreement', 'all', '', BAR.whole),
    other('model_daily', 'one day', `where day = '${day}'`, BAR.day),
    other('model_daily', 'last 30 days', `where day >= current_date - 30`, BAR.month),
    other('model_daily', 'all', '', BAR.whole),
    other(
      'review_worklist',
      'first 50 of the last 30 days',
      `where ${ofMonth} order by rank, machine_confidence limit 50`,
      BAR.month,
    ),
    other('sync_freshness', 'all', '', BAR.month),
    other('data_dictionary', 'all', '', BAR.month),
  ]
}

function other(view: string, what: string, clauses: string, bar: number, columns = '*'): ViewQuery {
  return { view, what, query: `select ${columns} from identifai_reporting.${view} ${clauses}`, bar }
}
