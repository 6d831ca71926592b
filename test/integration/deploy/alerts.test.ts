import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { createApp } from '../../../src/app.ts'
import { runDaemon } from '../../../src/operations/daemon/run-daemon.ts'
import { parseDatabaseConfig } from '../../../src/platform/config/config.ts'
import { parseDaemonConfig } from '../../../src/platform/config/daemon-config.ts'
import { createDatabaseApp } from '../../../src/platform/database-app.ts'
import { createLogger } from '../../../src/platform/logger.ts'
import { startCannedApi } from '../../support/canned-api.ts'
import { startTcpProxy } from '../../support/tcp-proxy.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

const RULES = path.resolve(import.meta.dirname, '../../../deploy/alerts.yml')
const HAS_PROMTOOL = spawnSync('promtool', ['--version']).status === 0

const rules = readFileSync(RULES, 'utf8')
const ALERTS = [...rules.matchAll(/alert: (\w+)/g)].map(([, name]) => name as string)

it('every alert has an entry in the runbook, and links to it', () => {
  const operations = readFileSync(path.resolve(import.meta.dirname, '../../../docs/operations.md'), 'utf8')
  expect(ALERTS.length).toBeGreaterThan(8)
  expect([...operations.matchAll(/^#### (IdentifaiSync\w+)$/gm)].map(([, name]) => name)).toEqual(ALERTS)
  expect([...rules.matchAll(/runbook: (\S+)/g)].map(([, link]) => link)).toEqual(
    ALERTS.map((name) => `docs/operations.md#${name.toLowerCase()}`),
  )
})

type Responder = Parameters<typeof startCannedApi>[0]

interface State {
  /** A statement that brings the database into the state. */
  readonly sql?: string
  /** The schedule of fresh runs; `NEVER` when a run would change the state. */
  readonly fresh?: string
  readonly respond?: Responder
  readonly environment?: NodeJS.ProcessEnv
  /** Waits until the metrics match. */
  readonly until?: RegExp
  readonly withoutDatabase?: boolean
}

const NEVER = '0 0 1 1 *'
const status =
  (code: number): Responder =>
  (_, response) => {
    response.statusCode = code
    return {}
  }
const RUN = `insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version)
  values (gen_random_uuid(), 'nightly', 'succeeded', now(), now(), 'h', 1, '0')`
const VERIFICATION = `insert into identifai.verifications (started_at, finished_at, runs, classifications, findings)
  values (now(), now(), 0, 0, 0)`

describe.skipIf(!HAS_PROMTOOL)('alerts that promtool evaluates on the metrics of a daemon', () => {
  it.concurrent.each<[string, State, readonly string[]]>([
    ['a healthy daemon', { until: /runs_total\{trigger="fresh",status="succeeded"\} [1-9]/ }, []],
    [
      'a daemon without its database',
      { withoutDatabase: true, until: /database_up 0/ },
      ['IdentifaiSyncDatabaseDown'],
    ],
    [
      'a daemon whose nightly runs fail',
      {
        sql: RUN.replaceAll('now()', "now() - interval '27 hours'"),
        fresh: NEVER,
        environment: { SYNC_SCHEDULE: NEVER },
      },
      ['IdentifaiSyncNoSuccess'],
    ],
    [
      'a daemon whose key is refused',
      { respond: status(401), until: /trigger="fresh",status="failed"\} [4-9]/ },
      ['IdentifaiSyncRunsFail'],
    ],
    [
      'a daemon whose API is down',
      {
        respond: status(503),
        environment: { SYNC_RETRIES: '7', SYNC_RETRY_BASE_MS: '1' },
        until: /5xx"\} [6-9]/,
      },
      ['IdentifaiSyncRequestsFail'],
    ],
    [
      'a daemon whose quota another program uses',
      { respond: status(429), environment: { SYNC_RETRY_BASE_MS: '1' }, until: /throttled_total 1[1-9]/ },
      ['IdentifaiSyncThrottled'],
    ],
    [
      'a daemon that does not request new identifiers',
      { fresh: NEVER, sql: `update identifai.identifiers set due_at = now() - interval '20 minutes'` },
      ['IdentifaiSyncFreshWait'],
    ],
    [
      'a daemon whose nightly runs do not reach all identifiers',
      {
        fresh: NEVER,
        sql: `update identifai.identifiers set due_at = now() - interval '27 hours', priority = -10`,
      },
      ['IdentifaiSyncOverdue'],
    ],
    [
      'a daemon with a result that was confirmed long ago',
      {
        fresh: NEVER,
        sql: `update identifai.identifiers set state = 'done', finished_at = now(), due_at = now() + interval '1 hour',
          last_confirmed_at = now() - interval '4 days'`,
      },
      ['IdentifaiSyncConfirmationsOld'],
    ],
    [
      'a daemon that has quarantined a record',
      { respond: ([identifier]) => [{ identifier, status: 5 }], until: /state="quarantined"\} 1/ },
      ['IdentifaiSyncQuarantined'],
    ],
    [
      'a daemon with an identifier that the API does not return',
      { environment: { SYNC_MISSING_AFTER: '1' }, respond: () => [], until: /state="missing"\} 1/ },
      ['IdentifaiSyncMissing'],
    ],
    [
      'a daemon whose API returns a status that is not documented',
      {
        respond: ([identifier]) => [{ identifier, status: 'processing' }],
        until: /undocumented_status_timestamp_seconds \d/,
      },
      ['IdentifaiSyncUndocumentedStatus'],
    ],
    [
      'a daemon whose chain has no new timestamp',
      {
        fresh: NEVER,
        environment: { SEAL_TIMESTAMP_URL: 'http://127.0.0.1:9/' },
        sql: `insert into identifai.chain_timestamps (chain_position, authority, token, received_at)
          values (1, 'a', '', now() - interval '51 hours')`,
      },
      ['IdentifaiSyncTimestampOld'],
    ],
    [
      'a daemon whose last verification has findings',
      { sql: VERIFICATION.replace('0, 0)', '0, 3)'), until: /verification_findings 3/ },
      ['IdentifaiSyncDifferences'],
    ],
    [
      'a daemon whose last verification is old',
      {
        sql: VERIFICATION.replaceAll('now()', "now() - interval '9 days'"),
        environment: { SYNC_VERIFY_SCHEDULE: NEVER },
      },
      ['IdentifaiSyncVerificationOld'],
    ],
    [
      'a daemon without verifications',
      {
        sql: VERIFICATION.replaceAll('now()', "now() - interval '9 days'"),
        environment: { SYNC_VERIFY_SCHEDULE: 'off' },
      },
      [],
    ],
  ])('%s', async (_, state, alerts) => {
    const { before, after } = await observe(state)
    expect(await firing(before, after)).toEqual(alerts.toSorted())
  })

  it.concurrent('a daemon that is gone', async () => {
    expect(await firing('', '')).toEqual(['IdentifaiSyncGone'])
  })

  it.concurrent('the rules, and the names and types of the metrics', async () => {
    expect(execFileSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' })).toContain('SUCCESS')
    const { after } = await observe({})
    const { stderr, status: code } = spawnSync('promtool', ['check', 'metrics'], {
      input: after,
      encoding: 'utf8',
    })
    // prom-client names its own metrics of Node, so promtool's remarks on those are ignored.
    expect(stderr.split('\n').filter((line) => line.includes('identifai'))).toEqual([])
    expect([0, 3]).toContain(code)
  })
})

/** Reads the metrics of a daemon at its start, and when it has reached the state. */
async function observe(state: State): Promise<{ before: string; after: string }> {
  await using own = await createTestDatabase()
  await using api = await startCannedApi(
    state.respond ?? ((identifiers) => identifiers.map((identifier) => ({ identifier, status: 'done' }))),
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
    openMaintenance: () => createDatabaseApp(config),
  })
  const readMetrics = async () => (await fetch(`${await origin.promise}/metrics`)).text()
  const before = await readMetrics()
  if (state.withoutDatabase) await proxy[Symbol.asyncDispose]()
  let after = await readMetrics()
  while (state.until && !state.until.test(after)) {
    await sleep(200)
    after = await readMetrics()
  }
  // The daemon needs its database to stop.
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

/** Returns the alerts that fire a day after a daemon's start. It served `before` until the last ten minutes, then `after`. */
async function firing(before: string, after: string): Promise<string[]> {
  const previous = samplesOf(before)
  const series = [...samplesOf(after)].map(([name, value]) => ({
    series: name,
    values: `${previous.get(name) ?? value}+0x1429 ${value}+0x10`,
  }))
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-alerts-'))
  try {
    const file = path.join(folder, 'test.yml')
    const none = { expr: FIRING, eval_time: `${DAY_MINUTES}m`, exp_samples: [] }
    const test = { interval: '1m', input_series: series, promql_expr_test: [none] }
    // Five minutes, because promtool takes seconds to evaluate the rules for each minute of a day.
    writeFileSync(file, stringify({ rule_files: [RULES], evaluation_interval: '5m', tests: [test] }))
    // The test expects no alert, so promtool fails and its output lists those that fire.
    const output = await promisify(execFile)('promtool', ['test', 'rules', file]).catch(
      (error: { stdout: string; stderr: string }) => error,
    )
    return [...`${output.stdout}${output.stderr}`.matchAll(/alertname="(\w+)"/g)]
      .map(([, name]) => name as string)
      .toSorted()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The tests of promtool start at Unix time 0. This is the minute of the evaluation, a day later. */
const DAY_MINUTES = 1440
const FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})'

/**
 * Returns values by series, with the labels that Prometheus adds, of the metrics that the rules name. Timestamps are moved to
 * the time of promtool's tests.
 */
function samplesOf(metrics: string): Map<string, number> {
  const now = Date.now() / 1000
  return new Map(
    metrics.split('\n').flatMap((line) => {
      const [, name, labels = '{}', value] = /^(\w+)(\{.*\})? ([-\d.e+]+)$/.exec(line) ?? []
      if (name === undefined || !rules.includes(name)) return []
      const isTime = name.endsWith('_timestamp_seconds') || name === 'process_start_time_seconds'
      const all = `${labels.slice(0, -1)}${labels === '{}' ? '' : ','}job="j",instance="i"}`
      return [[name + all, isTime ? Number(value) - now + DAY_MINUTES * 60 : Number(value)] as const]
    }),
  )
}
