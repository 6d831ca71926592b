import { createHash } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { stringify } from 'yaml'
import { type Chart, type ChartName, DASHBOARD, DATASETS, type Dataset } from '../bi/dashboard.ts'
import type { Database } from '../src/platform/postgres/database.ts'

/** The format version in every file that Superset imports. */
const VERSION = '1.0.0'

interface Column {
  readonly view: string
  readonly name: string
  readonly type: string
  readonly comment: string
}

/** The dashboard in Superset's export format, by path, with the columns and comments of a migrated database. */
export async function supersetFiles(db: Kysely<Database>): Promise<Map<string, string>> {
  const columns = Map.groupBy(await readColumns(db), ({ view }) => view)
  const files: [string, object][] = [
    ['metadata.yaml', { version: VERSION, type: 'Dashboard' }],
    ['databases/identifai.yaml', database()],
    ...DATASETS.map((one): [string, object] => [
      `datasets/identifai/${one.view}.yaml`,
      dataset(one, columns.get(one.view) ?? []),
    ]),
    ...Object.entries(DASHBOARD.charts).map(([name, chart]): [string, object] => [
      `charts/${name}.yaml`,
      chartFile(name, chart),
    ]),
    ['dashboards/identifai_sync.yaml', dashboard()],
  ]
  return new Map(files.map(([path, content]) => [path, stringify(content, { lineWidth: 0 })]))
}

function database(): object {
  return {
    database_name: 'identifai',
    sqlalchemy_uri: 'postgresql+psycopg2://reader:XXXXXXXXXX@localhost:5432/identifai',
    expose_in_sqllab: true,
    allow_file_upload: false,
    extra: {},
    uuid: uuidOf('database'),
    version: VERSION,
  }
}

function dataset({ view, time, metrics }: Dataset, columns: readonly Column[]): object {
  return {
    table_name: view,
    schema: 'identifai_reporting',
    main_dttm_col: time ?? null,
    uuid: uuidOf(`dataset ${view}`),
    database_uuid: uuidOf('database'),
    version: VERSION,
    metrics: Object.entries(metrics).map(([metric_name, { label, sql: expression, format }]) => ({
      metric_name,
      verbose_name: label,
      expression,
      ...(format && { d3format: format }),
    })),
    columns: columns.map(({ name, type, comment }) => ({
      column_name: name,
      type: type.toUpperCase(),
      is_dttm: type === 'date' || type.startsWith('timestamp'),
      description: comment,
    })),
  }
}

function chartFile(name: string, { title, description, view, type, where, options }: Chart): object {
  const time = DATASETS.find((one) => one.view === view)?.time
  // The dashboard's period applies to a chart only if the chart has a filter on the same column.
  const period = {
    expressionType: 'SIMPLE',
    clause: 'WHERE',
    subject: time,
    operator: 'TEMPORAL_RANGE',
    comparator: 'No filter',
  }
  const condition = { expressionType: 'SQL', clause: 'WHERE', sqlExpression: where }
  return {
    slice_name: title,
    description,
    viz_type: type,
    uuid: uuidOf(`chart ${name}`),
    dataset_uuid: uuidOf(`dataset ${view}`),
    version: VERSION,
    params: {
      viz_type: type,
      adhoc_filters: [...(time ? [period] : []), ...(where ? [condition] : [])],
      ...(type === 'table' && { show_cell_bars: false }),
      ...options,
    },
  }
}

function dashboard(): object {
  return {
    dashboard_title: DASHBOARD.title,
    slug: DASHBOARD.slug,
    published: true,
    uuid: uuidOf('dashboard'),
    version: VERSION,
    position: position(),
    metadata: {
      native_filter_configuration: [
        {
          id: 'NATIVE_FILTER-period',
          name: 'Submitted',
          type: 'NATIVE_FILTER',
          filterType: 'filter_time',
          targets: [{}],
          scope: { rootPath: ['ROOT_ID'], excluded: [] },
          defaultDataMask: { extraFormData: {}, filterState: {} },
          cascadeParentIds: [],
          controlValues: { enableEmptyFilter: false },
        },
      ],
    },
  }
}

/** The layout as a flat map of components that name their children. */
function position(): object {
  const background = 'BACKGROUND_TRANSPARENT'
  const rows = DASHBOARD.rows.map((row, number) => {
    const id = `${'heading' in row ? 'HEADER' : 'ROW'}-${number + 1}`
    if ('heading' in row) {
      const meta = { text: row.heading, headerSize: 'MEDIUM_HEADER', background }
      return { [id]: { type: 'HEADER', id, children: [], meta } }
    }
    const charts = Object.entries(row.charts) as [ChartName, number][]
    return {
      [id]: { type: 'ROW', id, children: charts.map(([name]) => `CHART-${name}`), meta: { background } },
      ...Object.fromEntries(
        charts.map(([name, width]) => [`CHART-${name}`, chartComponent(name, width, row.height)]),
      ),
    }
  })
  return {
    DASHBOARD_VERSION_KEY: 'v2',
    ROOT_ID: { type: 'ROOT', id: 'ROOT_ID', children: ['GRID_ID'] },
    GRID_ID: { type: 'GRID', id: 'GRID_ID', children: rows.map((row) => Object.keys(row)[0]) },
    ...Object.assign({}, ...rows),
  }
}

function chartComponent(name: ChartName, width: number, height: number): object {
  const chartId = Object.keys(DASHBOARD.charts).indexOf(name) + 1
  const meta = {
    chartId,
    uuid: uuidOf(`chart ${name}`),
    sliceName: DASHBOARD.charts[name].title,
    width,
    height,
  }
  return { type: 'CHART', id: `CHART-${name}`, children: [], meta }
}

/** A UUID (version 8 of RFC 9562) derived from the name, so that a second import replaces the first. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(`identifai-sync ${name}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

async function readColumns(db: Kysely<Database>): Promise<Column[]> {
  const { rows } = await sql<Column>`
    select view_name as view, column_name as name, data_type as type,
      description || coalesce(' Null: ' || null_means || '.', '') as comment
    from identifai_reporting.data_dictionary order by view_name, column_no`.execute(db)
  return rows
}
