import { audioEndpoint } from './media/audio/endpoint.ts'
import { isLoopback, type SyncConfig } from './platform/config/config.ts'
import { createDatabaseApp } from './database-app.ts'
import { createApiClient } from './pipeline/api/api-client.ts'
import { createQuota } from './pipeline/api/quota.ts'
import type { Logger } from './platform/logger.ts'
import type { RunTools } from './pipeline/run/run.ts'
import { NO_TELEMETRY, type Telemetry } from './platform/telemetry.ts'

/** What a pass works with, and what has to be closed after it. */
export interface App extends RunTools, AsyncDisposable {}

/** Everything a test or the demo may bring itself. */
export interface AppOverrides {
  readonly logger?: Logger
  readonly telemetry?: Telemetry
}

/** The composition root: the one place that knows how the parts of a pass are made. */
export function createApp(config: SyncConfig, overrides: AppOverrides = {}): App {
  // Each batch in flight holds one connection while it is written; two more for claims and heartbeats.
  const maxConnections = config.concurrency + 2
  // Whoever has heard nothing for as long as a lease lasts has lost it.
  const silenceMs = config.leaseSeconds * 1000
  const database = createDatabaseApp(config, { maxConnections, silenceMs }, overrides)
  const endpoint = audioEndpoint
  const telemetry = overrides.telemetry ?? NO_TELEMETRY
  const api = createApiClient({
    baseUrl: config.apiUrl,
    path: endpoint.path,
    apiKey: config.apiKey,
    timeoutMs: config.requestTimeoutMs,
    // Loopback is never proxied.
    proxy: isLoopback(new URL(config.apiUrl).hostname) ? null : config.httpsProxy,
    noProxy: config.noProxy,
    onEnded: (status, seconds) => telemetry.requestEnded(status, seconds),
  })
  const quota = createQuota({ ...config, db: database.db, logger: database.logger })
  return {
    config,
    endpoint,
    api,
    quota,
    telemetry,
    db: database.db,
    pool: database.pool,
    logger: database.logger,
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}
