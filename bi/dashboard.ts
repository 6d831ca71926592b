/** The starter dashboard. `npm run bi:superset` generates bi/superset from it, for import into Apache Superset. */

/** A view of the reporting schema, with the metrics over its rows. */
export interface Dataset {
  readonly view: string
  /** The column that the dashboard's period filters by; absent for a view without a time. */
  readonly time?: string
  readonly metrics: Readonly<Record<string, Metric>>
}

interface Metric {
  readonly label: string
  readonly sql: string
  /** A d3 number format. */
  readonly format?: string
}

export interface Chart {
  readonly title: string
  readonly description: string
  readonly view: string
  readonly type: 'big_number_total' | 'echarts_timeseries_bar' | 'echarts_timeseries_line' | 'pie' | 'table'
  /** A filter in SQL, in addition to the dashboard's period. */
  readonly where?: string
  /** Options of the chart type, under Superset's names. */
  readonly options: Readonly<Record<string, unknown>>
}

const PERCENT = '.1%'

export const DATASETS: readonly Dataset[] = [
  {
    view: 'classifications',
    time: 'submitted_at',
    metrics: {
      identifiers: { label: 'Identifiers', sql: 'COUNT(*)', format: ',d' },
      files: { label: 'Files', sql: 'COUNT(DISTINCT file_hash)', format: ',d' },
      artificial_share: {
        label: 'Artificial',
        sql: "AVG((effective_classification = 'artificial')::int)",
        format: PERCENT,
      },
      forced_share: { label: 'Forced', sql: 'AVG(is_forced::int)', format: PERCENT },
    },
  },
  {
    view: 'forced_classifications',
    time: 'submitted_at',
    metrics: {
      identifiers: { label: 'Identifiers', sql: 'COUNT(*)', format: ',d' },
      against_sure_machine: {
        label: 'Machine was sure',
        sql: 'COUNT(*) FILTER (WHERE contradicts_machine AND machine_confidence >= 0.9)',
        format: ',d',
      },
    },
  },
  {
    view: 'force_decisions',
    time: 'not_after',
    metrics: { decisions: { label: 'Decisions', sql: 'COUNT(*)', format: ',d' } },
  },
  {
    view: 'model_daily',
    time: 'day',
    metrics: {
      results: { label: 'Results', sql: 'SUM(n)', format: ',d' },
      abstained_share: { label: 'Abstained', sql: 'SUM(n_abstained) / SUM(n)', format: PERCENT },
      mean_artificial_score: {
        label: 'Mean artificial score',
        sql: 'SUM(n_scored * mean_artificial_score) / SUM(n_scored)',
        format: '.3f',
      },
      slowest_p95: {
        label: 'Highest daily p95 time',
        sql: 'MAX(p95_elapsed_time)',
        format: '.2f',
      },
    },
  },
  {
    view: 'heuristic_agreement',
    metrics: { flips: { label: 'Flips', sql: 'SUM(flips)', format: ',d' } },
  },
  {
    view: 'review_worklist',
    time: 'submitted_at',
    metrics: { classifications: { label: 'Classifications', sql: 'COUNT(*)', format: ',d' } },
  },
  {
    view: 'sync_freshness',
    metrics: { tracked: { label: 'Tracked', sql: 'SUM(tracked)', format: ',d' } },
  },
]

/** Unfinished and failed classifications, and those without a verdict, have no label to count. */
const COUNTED = 'effective_classification IS NOT NULL'

const CHARTS = {
  identifiers: {
    title: 'Classified',
    description: 'Submissions with a label that counts.',
    view: 'classifications',
    type: 'big_number_total',
    where: COUNTED,
    options: { metric: 'identifiers', y_axis_format: ',d' },
  },
  artificial: {
    title: 'Count as artificial',
    description:
      "Share by effective_classification: the forced label where there is one, else the machine's.",
    view: 'classifications',
    type: 'big_number_total',
    where: COUNTED,
    options: { metric: 'artificial_share', y_axis_format: PERCENT },
  },
  forced: {
    title: 'Forced',
    description: 'Share of results whose label was forced.',
    view: 'classifications',
    type: 'big_number_total',
    where: COUNTED,
    options: { metric: 'forced_share', y_axis_format: PERCENT },
  },
  toReview: {
    title: 'To review',
    description: 'Classifications on the review worklist.',
    view: 'review_worklist',
    type: 'big_number_total',
    options: { metric: 'classifications', y_axis_format: ',d' },
  },
  volume: {
    title: 'Volume and verdicts by day of submission',
    description: 'Identifiers by the label that counts.',
    view: 'classifications',
    type: 'echarts_timeseries_bar',
    where: COUNTED,
    options: {
      x_axis: 'submitted_at',
      time_grain_sqla: 'P1D',
      metrics: ['identifiers'],
      groupby: ['effective_classification'],
      stack: 'Stack',
      show_legend: true,
      y_axis_format: ',d',
      x_axis_time_format: '%Y-%m-%d',
    },
  },
  sources: {
    title: 'Artificial share by source',
    description: 'Origin of the artificial audio.',
    view: 'classifications',
    type: 'table',
    where: COUNTED,
    options: {
      query_mode: 'aggregate',
      groupby: ['source'],
      metrics: ['identifiers', 'files', 'artificial_share', 'forced_share'],
      row_limit: 100,
    },
  },
  forcedShare: {
    title: 'Forced share by day of submission',
    description: 'Share of the results of a day that are forced now.',
    view: 'classifications',
    type: 'echarts_timeseries_line',
    where: COUNTED,
    options: {
      x_axis: 'submitted_at',
      time_grain_sqla: 'P1D',
      metrics: ['forced_share'],
      y_axis_format: PERCENT,
      x_axis_time_format: '%Y-%m-%d',
    },
  },
  forcedAgainst: {
    title: 'Machine against forced label',
    description: 'Labels of the machine for results that are forced now.',
    view: 'forced_classifications',
    type: 'table',
    options: {
      query_mode: 'aggregate',
      groupby: ['machine_classification', 'force_classification'],
      metrics: ['identifiers', 'against_sure_machine'],
      row_limit: 100,
    },
  },
  explained: {
    title: 'Decisions',
    description: 'Observed decisions, by the explanation in the notes.',
    view: 'force_decisions',
    type: 'pie',
    options: {
      metric: 'decisions',
      groupby: ['explanation'],
      donut: true,
      label_type: 'key_value',
      number_format: ',d',
    },
  },
  scores: {
    title: 'Mean artificial score of each model, by day',
    description:
      'On whole files, without abstentions. A step means that the model or the submitted audio changed.',
    view: 'model_daily',
    type: 'echarts_timeseries_line',
    options: {
      x_axis: 'day',
      time_grain_sqla: 'P1D',
      metrics: ['mean_artificial_score'],
      groupby: ['model'],
      show_legend: true,
      y_axis_format: '.2f',
      x_axis_time_format: '%Y-%m-%d',
    },
  },
  models: {
    title: 'Models',
    description: 'Results and abstentions of each model.',
    view: 'model_daily',
    type: 'table',
    options: {
      query_mode: 'aggregate',
      groupby: ['model'],
      metrics: ['results', 'abstained_share', 'mean_artificial_score', 'slowest_p95'],
      row_limit: 100,
    },
  },
  heuristics: {
    title: 'Effect of another heuristic',
    description: 'Verdicts that would flip, and overrides that would have been avoided.',
    view: 'heuristic_agreement',
    type: 'table',
    options: {
      query_mode: 'raw',
      all_columns: ['heuristic', 'other_heuristic', 'n', 'n_single_model', 'flips', 'overrides_avoided'],
      order_by_cols: ['["overrides_avoided", false]', '["flips", false]'],
      row_limit: 100,
    },
  },
  worklist: {
    title: 'Review worklist',
    description: 'The first 200, by rank.',
    view: 'review_worklist',
    type: 'table',
    options: {
      query_mode: 'raw',
      all_columns: [
        'rank',
        'reasons',
        'identifier',
        'source',
        'submitted_at',
        'machine_confidence',
        'result_url',
      ],
      order_by_cols: ['["rank", true]', '["machine_confidence", true]'],
      row_limit: 200,
      column_config: { reasons: { columnWidth: 560 }, identifier: { columnWidth: 160 } },
    },
  },
  freshness: {
    title: 'Freshness',
    description: 'Every result was confirmed at confirmed_since or later.',
    view: 'sync_freshness',
    type: 'table',
    options: {
      query_mode: 'raw',
      all_columns: [
        'last_success_at',
        'last_run_status',
        'confirmed_since',
        'tracked',
        'pending',
        'missing',
        'quarantined',
        'overdue',
      ],
      row_limit: 10,
      table_timestamp_format: '%Y-%m-%d %H:%M:%S',
    },
  },
} as const satisfies Record<string, Chart>

export type ChartName = keyof typeof CHARTS

export const DASHBOARD = {
  title: 'identifai-sync: verdicts, forced labels, models',
  slug: 'identifai-sync',
  charts: CHARTS as Readonly<Record<ChartName, Chart>>,
  /** Rows from top to bottom: a heading, or a height and charts with their widths (of twelve columns). */
  rows: [
    { height: 18, charts: { freshness: 12 } },
    { height: 22, charts: { identifiers: 3, artificial: 3, forced: 3, toReview: 3 } },
    { heading: 'Volume and verdicts' },
    { height: 50, charts: { volume: 7, sources: 5 } },
    { heading: 'Forced labels' },
    { height: 45, charts: { forcedShare: 4, forcedAgainst: 5, explained: 3 } },
    { heading: 'Models and heuristics' },
    { height: 50, charts: { scores: 7, models: 5 } },
    { height: 45, charts: { heuristics: 12 } },
    { heading: 'Review worklist' },
    { height: 60, charts: { worklist: 12 } },
  ] as readonly Row[],
}

type Row =
  | { readonly heading: string }
  | { readonly height: number; readonly charts: Readonly<Partial<Record<ChartName, number>>> }
