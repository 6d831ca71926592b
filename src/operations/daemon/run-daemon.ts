import { once } from 'node:events'
import type { App, AppOverrides } from '../../app.ts'
import { prunePayloads } from '../../compliance/history/prune-payloads.ts'
import { requestTimestamps } from '../../compliance/timestamp/request-timestamps.ts'
import { readLastVerification } from '../../compliance/verify/verifications.ts'
import type { DatabaseConfig } from '../../platform/config/config.ts'
import type { DatabaseApp } from '../../platform/database-app.ts'
import { asDatabaseError } from '../../platform/postgres/database-error.ts'
import type { Logger } from '../../platform/logger.ts'
import { executeRun } from '../../pipeline/run/execute-run.ts'
import type { DaemonConfig } from '../../platform/config/daemon-config.ts'
import { executeVerification } from './execute-verification.ts'
import { startWebhook } from '../webhook/start-webhook.ts'
import { startStatusPage } from './status-page/serve.ts'
import { startHttpServer } from './http-server.ts'
import { readLastNightly } from './last-runs.ts'
import { registerQueueGauges } from './queue-gauges.ts'
import { createMetrics, type EndStatus, type Metrics } from './metrics.ts'
import { createReconnectingDatabase } from './reconnecting-database.ts'
import { createReadiness } from './readiness.ts'
import { type ScheduledTrigger, startSchedule } from './schedule.ts'

export interface DaemonOptions {
  readonly config: DaemonConfig
  readonly logger: Logger
  /** Requests a clean stop. */
  readonly signal: AbortSignal
  /** Opens the connections of one run with the current secrets. Throws when it cannot. */
  readonly openApp: (overrides: AppOverrides) => Promise<App>
  /** Reads the current configuration of the database, including the files of secrets. Throws when it cannot. */
  readonly readDatabaseConfig: () => DatabaseConfig
  /** Opens a connection of the role that removes data. Throws when it cannot. */
  readonly openMaintenance: () => DatabaseApp
}

/**
 * Executes runs and verifications on a schedule, and serves health and metrics over HTTP, until the signal aborts. Failures
 * do not end the daemon.
 */
export async function runDaemon(options: DaemonOptions): Promise<void> {
  const { config, logger, signal } = options
  const startedAt = new Date()
  const metrics = createMetrics()
  const { httpHost: host, httpPort: port, httpReadyMaxAgeHours: maxAgeHours } = config
  const { registry } = metrics
  await using probes = createReconnectingDatabase(options, PROBE_CONNECTIONS)
  await using scrapes = createReconnectingDatabase(options, METRICS_CONNECTIONS)
  const [db, metricsDb] = [probes.current, scrapes.current]
  const timestampsSince = config.sealTimestampUrl.length > 0 ? startedAt : null
  const verifiedSince = config.verifySchedule === 'off' ? null : startedAt
  const hasWebhook = config.forceWebhookUrl !== null
  const since = { timestampsSince, verifiedSince, hasWebhook }
  registerQueueGauges({ registry, db, metricsDb, logger, overdueHours: maxAgeHours, ...since })
  const readReadiness = createReadiness({ db, startedAt, maxAgeHours, isDraining: () => signal.aborted })
  await using server = await startHttpServer({ host, port, registry, readReadiness })
  const { statusPort } = config
  await using page =
    statusPort === null
      ? null
      : await startStatusPage({ config, port: statusPort, logger, db, slowDb: metricsDb, readReadiness })
  await using _ = hasWebhook ? startWebhook({ config, logger, db }) : null
  const ownStart = () => ({ startedAt, secondsAgo: (Date.now() - startedAt.getTime()) / 1000 })
  const schedule = startSchedule({
    config,
    logger,
    readLastNightly: async () => (await readLastNightly(db(), config.leaseSeconds)) ?? ownStart(),
    readLastVerification: async () => {
      const last = await readLastVerification(db())
      return last ? { startedAt: last.started_at, secondsAgo: last.seconds_ago } : ownStart()
    },
    run: (trigger) => executeScheduledRun(options, metrics, trigger),
    verify: () => executeVerification(options),
  })
  const { schedule: nightly, freshSchedule: fresh, verifySchedule: verify, timezone } = config
  const addresses = { http: server.origin, ...(page && { status: page.origin }) }
  logger.info({ nightly, fresh, verify, timezone, ...addresses }, 'daemon started')
  if (!signal.aborted) await once(signal, 'abort')
  logger.info('daemon stopping')
  await schedule.stop()
  logger.info('daemon stopped')
}

/** Probes run short queries, and the caller gives up after seconds. */
const PROBE_CONNECTIONS = { maxConnections: 2, silenceMs: 5000 }

/** Metrics read all tracked identifiers, which takes seconds from tens of millions of identifiers on. */
const METRICS_CONNECTIONS = { maxConnections: 1, silenceMs: 120_000 }

/** Never rejects, because the next run may succeed. */
async function executeScheduledRun(
  options: DaemonOptions,
  metrics: Metrics,
  trigger: ScheduledTrigger,
): Promise<void> {
  const { openApp, logger, signal } = options
  if (signal.aborted) return
  const startedAt = performance.now()
  const ended = (status: EndStatus) =>
    metrics.runEnded(trigger, status, (performance.now() - startedAt) / 1000)
  try {
    await using app = await openApp({ logger, telemetry: metrics.telemetry })
    const observe = metrics.observeRun()
    const { run, failure } = await executeRun(app, { trigger, signal, onProgress: observe })
    observe(run)
    if (failure !== undefined) logger.error({ runId: run.run_id, trigger, err: failure }, 'run failed')
    // A fresh run without work deletes its row while the row is still open.
    ended(run.status === 'running' ? 'succeeded' : run.status)
    if (trigger === 'nightly') await requestTimestamps(app, run, signal)
  } catch (error) {
    logger.error({ trigger, err: asDatabaseError(error) ?? error }, 'run failed')
    ended('failed')
  }
  if (trigger === 'nightly') await pruneExpired(options)
}

/** Removes the payloads that the policy no longer keeps. Never rejects, because the next nightly run tries again. */
async function pruneExpired({ config, openMaintenance, logger, signal }: DaemonOptions): Promise<void> {
  const { payloadRetentionDays: olderThanDays } = config
  if (olderThanDays === null || signal.aborted) return
  try {
    await using app = openMaintenance()
    const pruned = await prunePayloads(app.db, { olderThanDays, isDryRun: false, signal })
    logger.info(pruned, 'payloads pruned')
  } catch (error) {
    logger.error({ err: asDatabaseError(error) ?? error }, 'prune failed')
  }
}
