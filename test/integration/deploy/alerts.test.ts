import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { createApp } from '../../src/app.ts'
import { parseDatabaseConfig } from '../../src/platform/config/config.ts'
import { parseDaemonConfig } from '../../src/platform/config/daemon-config.ts'
import { runDaemon } from '../../src/operations/daemon/run-daemon.ts'
import { createLogger } from '../../src/platform/logger.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const RULES = path.resolve(import.meta.dirname, '../../deploy/alerts.yml')
const HAS_PROMTOOL = spawnSync('promtool', ['--version']).status === 0

const ALERTS = [...readFileSync(RULES, 'utf8').matchAll(/alert: (\w+)/g)].map(([, name]) => name as string)

it('every alert has an entry in the runbook', () => {
  const operations = readFileSync(path.resolve(import.meta.dirname, '../../docs/operations.md'), 'utf8')
  expect(ALERTS.length).toBeGreaterThan(8)
  expect([...operations.matchAll(/^#### (IdentifaiSync\w+)$/gm)].map(([, name]) => name)).toEqual(ALERTS)
})

type OutcomeGroup = Parameters<typeof startCannedApi>[0]

interface State {
  /** What brings the database into it. */
  readonly sql?: string
  /** Never, to look at a state that passes would mend. */
  readonly fresh?: string
  readonly answer?: OutcomeGroup
  readonly environment?: NodeJS.ProcessEnv
  /** Waits for this, in the metrics, after the first look at them. */
  readonly until?: RegExp
  readonly withoutDatabase?: boolean
}

const NEVER = '0 0 1 1 *'
const status =
  (code: number): OutcomeGroup =>
  (_, response) => {
    response.statusCode = code
    return {}
  }
const RUN = `insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version)
  values (gen_random_uuid(), 'nightly', 'succeeded', now(), now(), 'h', 1, '0')`

describe.skipIf(!HAS_PROMTOOL)('alerts that promtool evaluates on what a daemon tells', () => {
  it.concurrent.each<[string, State, readonly string[]]>([
    ['a healthy one', { until: /runs_total\{trigger="fresh",status="succeeded"\} [1-9]/ }, []],
    [
      'one without its database',
      { withoutDatabase: true, until: /database_up 0/ },
      ['IdentifaiSyncDatabaseDown'],
    ],
    [
      'one whose nights fail',
      {
        sql: RUN.replaceAll('now()', "now() - interval '27 hours'"),
        fresh: NEVER,
        environment: { SYNC_SCHEDULE: NEVER },
      },
      ['IdentifaiSyncNoSuccess'],
    ],
    [
      'one whose key is refused',
      { answer: status(401), until: /trigger="fresh",status="failed"\} [4-9]/ },
      ['IdentifaiSyncRunsFail'],
    ],
    [
      'one whose API is down',
      {
        answer: status(503),
        environment: { SYNC_RETRIES: '7', SYNC_RETRY_BASE_MS: '1' },
        until: /5xx"\} [6-9]/,
      },
      ['IdentifaiSyncRequestsFail'],
    ],
    [
      'one whose quota somebody else uses',
      { answer: status(429), environment: { SYNC_RETRY_BASE_MS: '1' }, until: /throttled_total 1[1-9]/ },
      ['IdentifaiSyncThrottled'],
    ],
    [
      'one that does not ask for what is new',
      { fresh: NEVER, sql: `update identifai.identifiers set due_at = now() - interval '20 minutes'` },
      ['IdentifaiSyncFreshWait'],
    ],
    [
      'one whose nights are too short',
      {
        fresh: NEVER,
        sql: `update identifai.identifiers set due_at = now() - interval '27 hours', priority = -10`,
      },
      ['IdentifaiSyncOverdue'],
    ],
    [
      'one with a result that was confirmed long ago',
      {
        fresh: NEVER,
        sql: `update identifai.identifiers set state = 'done', finished_at = now(), due_at = now() + interval '1 hour',
          last_confirmed_at = now() - interval '4 days'`,
      },
      ['IdentifaiSyncConfirmationsOld'],
    ],
    [
      'one that has set a record aside',
      { answer: ([identifier]) => [{ identifier, status: 'unheard of' }], until: /state="quarantined"\} 1/ },
      ['IdentifaiSyncQuarantined'],
    ],
    [
      'one that the API does not return something to',
      { environment: { SYNC_MISSING_AFTER: '1' }, answer: () => [], until: /state="missing"\} 1/ },
      ['IdentifaiSyncMissing'],
    ],
  ])('%s', async (_, state, alerts) => {
    const { before, after } = await observe(state)
    expect(await firing(before, after)).toEqual(alerts.toSorted())
  })

  it.concurrent('one that is gone', async () => {
    expect(await firing('', '')).toEqual(['IdentifaiSyncGone'])
  })

  it.concurrent('the rules, and the names and types of the metrics', async () => {
    expect(execFileSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' })).toContain('SUCCESS')
    const { after } = await observe({})
    const { stderr, status: code } = spawnSync('promtool', ['check', 'metrics'], {
      input: after,
      encoding: 'utf8',
    })
    // The library's own metrics of Node are its business.
    expect(stderr.split('\n').filter((line) => line.includes('identifai'))).toEqual([])
    expect([0, 3]).toContain(code)
  })
})

/** The metrics of a daemon at its start, and when it is in that state. */
async function observe(state: State): Promise<{ before: string; after: string }> {
  await using own = await createTestDatabase()
  await using api = await startCannedApi(
    state.answer ?? ((asked) => asked.map((identifier) => ({ identifier, status: 'done' }))),
  )
  const url = new URL(own.url)
  const target = { host: url.hostname, port: Number(url.port) }
  let proxy = await startTcpProxy(target)
  url.host = `127.0.0.1:${proxy.port}`
  await prepare(own, state)
  const environment = {
    DATABASE_URL: url.href,
    IDENTIFAI_API_URL: api.url,
    IDENTIFAI_API_KEY: 'key',
    HTTP_PORT: '0',
    SYNC_FRESH_SCHEDULE: state.fresh ?? '* * * * * *',
    SYNC_REQUESTS_PER_SECOND: '10000',
    SYNC_REQUESTS_PER_MINUTE: '600000',
    SYNC_RETRIES: '0',
    ...state.environment,
  }
  const config = parseDaemonConfig(environment)
  const stop = new AbortController()
  const origin = Promise.withResolvers<string>()
  const logger = createLogger({
    level: 'info',
    terminal: false,
    destination: {
      write: (line) => {
        const { msg, http } = JSON.parse(line) as { msg: string; http?: string }
        if (msg === 'daemon started') origin.resolve(http ?? '')
      },
    },
  })
  const daemon = runDaemon({
    config,
    logger,
    signal: stop.signal,
    openApp: async (overrides) => createApp(config, overrides),
    readDatabaseConfig: () => parseDatabaseConfig(environment),
  })
  const look = async () => (await fetch(`${await origin.promise}/metrics`)).text()
  const before = await look()
  if (state.withoutDatabase) await proxy[Symbol.asyncDispose]()
  let after = await look()
  while (state.until && !state.until.test(after)) {
    await sleep(200)
    after = await look()
  }
  // It would wait for its database.
  if (state.withoutDatabase) proxy = await startTcpProxy(target, () => false, proxy.port)
  stop.abort(new Error('test'))
  await daemon
  await proxy[Symbol.asyncDispose]()
  return { before, after }
}

async function prepare({ db }: TestDatabase, state: State): Promise<void> {
  await sql`insert into identifai.identifiers (identifier) values ('a')`.execute(db)
  if (state.sql !== undefined) await sql.raw(state.sql).execute(db)
}

/** The alerts that fire a day after a daemon's start, when it told this until ten minutes before, and that since. */
async function firing(before: string, after: string): Promise<string[]> {
  const former = samplesOf(before)
  const series = [...samplesOf(after)].map(([name, value]) => ({
    series: name,
    values: `${former.get(name) ?? value}+0x1429 ${value}+0x10`,
  }))
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-alerts-'))
  try {
    const file = path.join(folder, 'test.yml')
    const none = { expr: FIRING, eval_time: `${DAY_MINUTES}m`, exp_samples: [] }
    const test = { interval: '1m', input_series: series, promql_expr_test: [none] }
    writeFileSync(file, stringify({ rule_files: [RULES], evaluation_interval: '1m', tests: [test] }))
    // It says what fires by failing: nothing was expected to.
    const said = await promisify(execFile)('promtool', ['test', 'rules', file]).catch(
      (error: { stdout: string; stderr: string }) => error,
    )
    return [...`${said.stdout}${said.stderr}`.matchAll(/alertname="(\w+)"/g)]
      .map(([, name]) => name as string)
      .toSorted()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The tests of promtool begin with Unix time: a day later is this minute. */
const DAY_MINUTES = 1440
const FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})'

/** Values by series, with what Prometheus adds; times are moved to where the tests of promtool take place. */
function samplesOf(metrics: string): Map<string, number> {
  const now = Date.now() / 1000
  return new Map(
    metrics.split('\n').flatMap((line) => {
      const [, name, labels = '{}', value] = /^(\w+)(\{.*\})? ([-\d.e+]+)$/.exec(line) ?? []
      if (name === undefined) return []
      const isTime = name.endsWith('_timestamp_seconds') || name === 'process_start_time_seconds'
      const all = `${labels.slice(0, -1)}${labels === '{}' ? '' : ','}job="j",instance="i"}`
      return [[name + all, isTime ? Number(value) - now + DAY_MINUTES * 60 : Number(value)] as const]
    }),
  )
}
