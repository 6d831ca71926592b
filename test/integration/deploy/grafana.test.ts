import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Dashboard, GridPos, Panel, Threshold } from '@grafana/grafana-foundation-sdk/dashboard'
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { dashboardJson } from '../../../scripts/grafana/dashboard.ts'
import { createProgram } from '../../../src/cli/program.ts'
import { VARIABLES } from '../../../src/platform/config/variables.ts'
import {
  type DaemonState,
  failingWebhook,
  NEVER,
  observeDaemon,
  succeeded,
  timestamped,
  verified,
  WEBHOOK,
} from '../../support/observe-daemon.ts'
import { lastComparison, nodesOf, syntaxErrors } from '../../support/promql.ts'
import { evaluate, HAS_PROMTOOL, type RecordedMetrics } from '../../support/promtool.ts'

const deploy = path.resolve(import.meta.dirname, '../../../deploy')
const text = readFileSync(path.join(deploy, 'grafana/identifai-sync.json'), 'utf8')
const RULES = path.join(deploy, 'alerts.yml')
const rules = (parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
)

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
}

const ALERTS = rules.map(({ alert }) => alert).toSorted()

const dashboard = JSON.parse(text) as Dashboard
const variables = dashboard.templating.list ?? []
const all = (dashboard.panels ?? []).flatMap((panel) =>
  'panels' in panel ? [panel, ...panel.panels] : panel,
)
const panels = all.filter((panel): panel is Panel => !('panels' in panel))
const targets = panels.flatMap((panel) =>
  targetsOf(panel).map((target) => ({ title: panel.title, ...target })),
)
const queries = targets.map(({ expr }) => expr)

it('is made from its source (npm run deploy:grafana)', () => {
  expect(text).toBe(dashboardJson())
})

it('has panels with a data source, a unit, a text for no value, and a description that names a command', () => {
  const dataSource = { type: 'prometheus', uid: '${datasource}' }
  expect(panels.length).toBeGreaterThan(30)
  for (const panel of panels) {
    expect(panel).toMatchObject({
      datasource: dataSource,
      fieldConfig: { defaults: { unit: expect.any(String), noValue: expect.any(String) } },
    })
    expect(targetsOf(panel).map(({ datasource }) => datasource)).toEqual(
      targetsOf(panel).map(() => dataSource),
    )
    expect(panel.description).toMatch(/`identifai-sync [a-z-]+/)
    // Grafana shows values from 80 in red when a panel has no thresholds.
    if (panel.type === 'stat') expect(stepsOf(panel), panel.title).not.toEqual([])
  }
})

it('has commands and variables of the product in its descriptions', () => {
  const descriptions = panels.map(({ description }) => description).join('\n')
  const called = [...descriptions.matchAll(/`identifai-sync ([a-z-]+)/g)].map(([, name]) => name)
  const commands = createProgram().commands.map((command) => command.name())
  expect([...commands, '--version']).toEqual(expect.arrayContaining(called))
  const named = [...descriptions.matchAll(/\b[A-Z]+(_[A-Z]+)+\b/g)].map(([name]) => name)
  expect(Object.keys(VARIABLES)).toEqual(expect.arrayContaining(named))
})

it('has numbered panels in a grid without gaps', () => {
  expect(all.map(({ id }) => id)).toEqual(all.map((_, index) => index + 1))
  const cells = all.flatMap(({ gridPos }) => {
    const { x, y, w, h } = gridPos as GridPos
    return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`)
  })
  const rows = new Set(cells.map((cell) => cell.split(',')[1]))
  expect(new Set(cells).size).toBe(cells.length)
  expect(cells).toHaveLength(24 * rows.size)
})

it('selects by data source, job and instance, and has the default quota', () => {
  expect(variables).toMatchObject([
    { name: 'datasource', type: 'datasource', query: 'prometheus' },
    { name: 'job', ...LABEL, query: 'label_values(identifai_sync_build_info, job)' },
    {
      name: 'instance',
      ...LABEL,
      query: 'label_values(identifai_sync_build_info{job=~"$job"}, instance)',
    },
    { name: 'quota', type: 'textbox', query: VARIABLES.SYNC_REQUESTS_PER_MINUTE.default },
  ])
})

const LABEL = { type: 'query', multi: true, includeAll: true, allValue: '.+', refresh: 2 }

it('colors a value at the threshold of its alert, and has a panel for each alert', () => {
  const colored = panels.filter((panel) => alertOf(panel) !== undefined)
  expect(colored.map((panel) => String(alertOf(panel)?.alert)).toSorted()).toEqual(ALERTS)
  for (const panel of colored) {
    const { alert, expr, labels } = alertOf(panel) as Rule
    const bad = labels.severity === 'critical' ? 'red' : 'orange'
    const { operator, limit } = lastComparison(expr) ?? { operator: 'absent', limit: 0 }
    // Counts are whole numbers. The panel of an alert on a recent time, or on an absent metric, shows 1 or 0.
    const steps = {
      Gtr: ['green', limit === 0 ? 1 : limit, bad],
      Gte: ['green', limit, bad],
      Lss: ['green', 1, bad],
      Eql: [bad, limit + 1, 'green'],
      absent: [bad, 1, 'green'],
    }
    const [below, value, above] = steps[operator]
    expect(stepsOf(panel), alert).toEqual([
      { value: null, color: below },
      { value, color: above },
    ])
  }
})

/** Everything is in order, and every metric has a value. */
const HEALTHY: DaemonState = {
  sql: [succeeded('1 hour'), verified('1 day', 0), timestamped('1 hour')].join(';'),
  environment: { ...WEBHOOK, SEAL_TIMESTAMP_URL: 'http://127.0.0.1:9/' },
  until: /^(?=.*trigger="fresh",status="succeeded"\} [1-9])(?=.*oldest_confirmation_timestamp_seconds \d)/s,
}

/** The database is gone, and no value of it is in use any more. */
const CUT_OFF: DaemonState = {
  fresh: NEVER,
  withoutDatabase: true,
  until: /^(?!.*identifiers\{state)(?!.*verification_timestamp_seconds \d)(?=.*database_up 0)/s,
}

/** Every problem at the same time, except those that hide others: no database, and no daemon. */
const BROKEN: DaemonState = {
  sql: [
    succeeded('27 hours'),
    verified('9 days', 3),
    timestamped('51 hours'),
    failingWebhook('2 hours'),
    `insert into identifai.identifiers (identifier, priority, due_at) values
      ('absent', 1, now()), ('undocumented', 1, now()), ('quarantined', 1, now()), ('throttled', 1, now()),
      ('failing', 1, now()), ('failing too', 1, now()),
      ('overdue', -10, now() - interval '27 hours')`,
    `insert into identifai.identifiers (identifier, state, finished_at, due_at, last_confirmed_at)
      values ('old', 'done', now() - interval '4 days', now() + interval '1 hour', now() - interval '4 days')`,
  ].join(';'),
  environment: {
    ...WEBHOOK,
    SEAL_TIMESTAMP_URL: 'http://127.0.0.1:9/',
    SYNC_SCHEDULE: NEVER,
    SYNC_VERIFY_SCHEDULE: NEVER,
    SYNC_BATCH_SIZE: '1',
    SYNC_CONCURRENCY: '1',
    SYNC_MISSING_AFTER: '1',
    SYNC_RETRIES: '7',
    SYNC_RETRY_BASE_MS: '1',
  },
  respond: respondBadly(),
  until:
    /^(?=.*missing"\} 1)(?=.*quarantined"\} 1)(?=.*5xx"\} 16)(?=.*undocumented_status_timestamp_seconds \d)/s,
  next: {
    sql: `insert into identifai.identifiers (identifier, due_at) values ('refused', now() - interval '20 minutes')`,
    until: /fresh",status="failed"\} [4-9]/,
  },
}

/** Responds to each identifier as its name promises. A refused key ends every run. */
function respondBadly(): NonNullable<DaemonState['respond']> {
  let throttled = 0
  return ([identifier = ''], response) => {
    if (identifier === 'absent') return []
    if (identifier === 'undocumented') return [{ identifier, status: 'processing' }]
    if (identifier === 'quarantined') return [{ identifier, status: 5 }]
    if (identifier === 'throttled') response.statusCode = ++throttled > 11 ? 200 : 429
    if (identifier.startsWith('failing')) response.statusCode = 503
    if (identifier === 'refused') response.statusCode = 401
    return [{ identifier, status: 'done' }]
  }
}

describe('the queries', () => {
  let healthy: RecordedMetrics
  let broken: RecordedMetrics
  let cutOff: RecordedMetrics
  // One after the other, because a daemon reads the queue less often while that takes long.
  beforeAll(async () => {
    healthy = await observeDaemon(HEALTHY)
    broken = await observeDaemon(BROKEN)
    cutOff = await observeDaemon(CUT_OFF)
  }, 180_000)

  it.each(targets)('parse, and select metrics and labels of a daemon: $title, $refId', ({ expr }) => {
    const metrics = healthy.after + broken.after
    expect(syntaxErrors(resolve(expr))).toEqual([])
    expect(namesIn(metrics)).toEqual(expect.arrayContaining(metricsOf(expr)))
    const labels = [...metrics.matchAll(/(\w+)="/g)].map(([, label]) => label)
    expect([...labels, 'job', 'instance']).toEqual(
      expect.arrayContaining(nodesOf('LabelName', resolve(expr))),
    )
    for (const selector of nodesOf('VectorSelector', resolve(expr))) {
      expect(selector).toContain(resolve('job=~"$job", instance=~"$instance"'))
    }
  })

  it('use every metric of the product', () => {
    const isOwn = (name: string) => name.startsWith('identifai_sync_')
    // The buckets of a histogram are enough for its quantiles.
    const needed = namesIn(healthy.after + broken.after).filter(
      (name) => !/_duration_seconds_(sum|count)$/.test(name),
    )
    expect(new Set(queries.flatMap(metricsOf).filter(isOwn))).toEqual(new Set(needed.filter(isOwn)))
  })

  describe.skipIf(!HAS_PROMTOOL)('that promtool evaluates', () => {
    it('have values for a healthy daemon, and all are good', async () => {
      const found = await evaluateAll(healthy)
      expect(emptyIn(found)).toEqual([])
      expect(badIn(found)).toEqual([])
    })

    it('have values for a broken daemon, and those of all alerts that fire are bad', async () => {
      const found = await evaluateAll(broken)
      expect(emptyIn(found)).toEqual([])
      const firing = await evaluate(['ALERTS{alertstate="firing"}'], broken, RULES)
      const alerts = [...firing.values()].flat().map(({ labels }) => String(labels.alertname))
      expect([...alerts, 'IdentifaiSyncDatabaseDown', 'IdentifaiSyncGone'].toSorted()).toEqual(ALERTS)
      expect(badIn(found)).toEqual([...alerts, 'Ready'].toSorted())
    })

    it('have no values of a database that is down, except those with a substitute', async () => {
      const found = await evaluateAll(cutOff)
      const present = new Set(namesIn(cutOff.after))
      const missing = queries.filter((query) => metricsOf(query).some((name) => !present.has(name)))
      expect(missing.length).toBeGreaterThan(10)
      // The last success falls back to the start of the daemon, as its alert does.
      const hasSubstitute = (query: string) => metricsOf(query).includes('process_start_time_seconds')
      // There were no requests, so that their durations have no quantiles.
      const isQuantile = (query: string) => query.startsWith('histogram_quantile(')
      expect(emptyIn(found)).toEqual(
        queries.filter((query) => (missing.includes(query) && !hasSubstitute(query)) || isQuantile(query)),
      )
      expect(badIn(found)).toEqual(['IdentifaiSyncDatabaseDown', 'Ready'])
    })

    it('count zero daemons when none is scraped', async () => {
      expect(badIn(await evaluateAll({ before: '', after: '' }))).toEqual(['IdentifaiSyncGone'])
    })

    it('return the labels in the names of their lines', async () => {
      const found = await evaluateAll(healthy)
      for (const { expr, legendFormat, title } of targets) {
        const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label)
        for (const sample of found.get(expr) ?? []) {
          expect(Object.keys(sample.labels), title).toEqual(expect.arrayContaining(labels))
        }
      }
    })
  })
})

type Found = Awaited<ReturnType<typeof evaluate>>

/** Evaluates all queries; the result has them as the dashboard does. */
async function evaluateAll(metrics: RecordedMetrics): Promise<Found> {
  const found = await evaluate(queries.map(resolve), metrics)
  return new Map(queries.map((query) => [query, found.get(resolve(query)) ?? []]))
}

/** Replaces the variables of Grafana, as it does before it sends a query. */
function resolve(query: string): string {
  return query
    .replaceAll('$__rate_interval', '15m')
    .replaceAll('$job', 'j')
    .replaceAll('$instance', '.+')
    .replaceAll('$quota', VARIABLES.SYNC_REQUESTS_PER_MINUTE.default)
}

/** Queries without a number that Grafana can show. */
function emptyIn(found: Found): string[] {
  return queries.filter((query) => !found.get(query)?.some(({ value }) => !Number.isNaN(value)))
}

/** The panels whose value is not green, by their alerts or else titles. Those with one color are left out. */
function badIn(found: Found): string[] {
  return panels
    .filter((panel) => {
      const values = targetsOf(panel).flatMap(({ expr }) => found.get(expr) ?? [])
      return stepsOf(panel).length > 1 && values.some(({ value }) => colorAt(value, panel) !== 'green')
    })
    .map((panel) => alertOf(panel)?.alert ?? String(panel.title))
    .toSorted()
}

function colorAt(value: number, panel: Panel): string | undefined {
  return stepsOf(panel).findLast((step) => step.value === null || step.value <= value)?.color
}

function stepsOf(panel: Panel): readonly Threshold[] {
  return panel.fieldConfig?.defaults.thresholds?.steps ?? []
}

function targetsOf(panel: Panel): (Dataquery & { expr: string; legendFormat: string })[] {
  return panel.targets as ReturnType<typeof targetsOf>
}

function alertOf(panel: Panel): Rule | undefined {
  const name = /threshold of the alert (\w+) /.exec(panel.description ?? '')?.[1]
  return rules.find(({ alert }) => alert === name)
}

/** The names of the metrics in a query. */
function metricsOf(query: string): string[] {
  return nodesOf('Identifier', resolve(query))
}

/** The names of the metrics that a daemon serves. */
function namesIn(metrics: string): string[] {
  return metrics.split('\n').flatMap((line) => /^[a-z]\w*/.exec(line)?.[0] ?? [])
}
