import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { createApp } from '../../src/app.ts'
import { runDaemon } from '../../src/operations/daemon/run-daemon.ts'
import { parseDatabaseConfig } from '../../src/platform/config/config.ts'
import { parseDaemonConfig } from '../../src/platform/config/daemon-config.ts'
import { createDatabaseApp } from '../../src/platform/database-app.ts'
import { createLogger } from '../../src/platform/logger.ts'
import { startCannedApi } from './canned-api.ts'
import type { RecordedMetrics } from './promtool.ts'
import { startTcpProxy } from './tcp-proxy.ts'
import { createTestDatabase, type TestDatabase } from './test-database.ts'

/** A schedule that no test reaches. */
export const NEVER = '0 0 1 1 *'

/** A statement for a nightly run that succeeded; `age` is an interval of PostgreSQL. */
export function succeeded(age: string): string {
  return `insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version)
    values (gen_random_uuid(), 'nightly', 'succeeded', now() - interval '${age}', now() - interval '${age}', 'h', 1, '0')`
}

/** A statement for a verification with a number of findings. */
export function verified(age: string, findings: number): string {
  return `insert into identifai.verifications (started_at, finished_at, runs, classifications, findings)
    values (now() - interval '${age}', now() - interval '${age}', 0, 0, ${findings})`
}

/** A statement for a timestamp of the chain. */
export function timestamped(age: string): string {
  return `insert into identifai.chain_timestamps (chain_position, authority, token, received_at)
    values (1, 'a', '', now() - interval '${age}')`
}

/** Settings of a webhook, whose receiver is not needed, because nothing was sealed. */
export const WEBHOOK = {
  FORCE_WEBHOOK_URL: 'http://127.0.0.1:9/',
  FORCE_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32).toString('base64')}`,
}

/** A statement for a webhook that has failed for a time. */
export function failingWebhook(age: string): string {
  return `insert into identifai.webhook_position (chain_position, failing_since, last_error, lease_until)
    values (1000000, now() - interval '${age}', 'status 500', now())`
}

/** A situation of a daemon, with one pending identifier, `a`, unless its statement changes that. */
export interface DaemonState {
  /** Statements that bring the database into the state. */
  readonly sql?: string
  /** The schedule of fresh runs; `NEVER` when a run would change the state. */
  readonly fresh?: string
  readonly respond?: Parameters<typeof startCannedApi>[0]
  readonly environment?: NodeJS.ProcessEnv
  /** Waits until the metrics match. */
  readonly until?: RegExp
  /** Statements for then, and the metrics that they lead to. */
  readonly next?: { readonly sql: string; readonly until: RegExp }
  readonly withoutDatabase?: boolean
}

/** Reads the metrics of a daemon at its start, and when it has reached the state. */
export async function observeDaemon(state: DaemonState): Promise<RecordedMetrics> {
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
  const readWhen = async (metrics: RegExp = /^/) => {
    for (;;) {
      const text = await readMetrics()
      if (metrics.test(text)) return text
      await sleep(200)
    }
  }
  let after = await readWhen(state.until)
  if (state.next) {
    await sql.raw(state.next.sql).execute(own.db)
    after = await readWhen(state.next.until)
  }
  // The daemon needs its database to stop.
  if (state.withoutDatabase) proxy = await startTcpProxy(target, () => false, proxy.port)
  stop.abort(new Error('test'))
  await daemon
  await proxy[Symbol.asyncDispose]()
  return { before, after }
}

async function prepare({ db }: TestDatabase, state: DaemonState): Promise<void> {
  await sql`insert into identifai.identifiers (identifier) values ('a')`.execute(db)
  if (state.sql !== undefined) await sql.raw(state.sql).execute(db)
}
