import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { audioEndpoint } from './audio-endpoint.ts'
import { type DatabaseConfig, isLoopback, type SyncConfig } from './config.ts'
import { type ConnectOptions, connect } from './db/connect.ts'
import type { Database } from './db/database.ts'
import { createApiClient } from './extract/api-client.ts'
import { createQuota } from './extract/quota.ts'
import { createLogger, type Logger } from './logger.ts'
import { NO_TELEMETRY, type Telemetry } from './telemetry.ts'
import type { PassTools } from './sync/pass.ts'

/** What a command that only needs the database works with. */
export interface DatabaseApp extends AsyncDisposable {
  readonly db: Kysely<Database>
  readonly pool: Pool
  readonly logger: Logger
}

/** What a pass works with, and what has to be closed after it. */
export interface App extends PassTools, AsyncDisposable {}

/** Everything a test or the demo may bring itself. */
export interface AppOverrides {
  readonly logger?: Logger
  readonly telemetry?: Telemetry
}

/** Opens the database, lazily; disposing of it closes every connection. */
export function createDatabaseApp(
  config: DatabaseConfig,
  connections: Pick<ConnectOptions, 'maxConnections' | 'silenceMs'> = { maxConnections: 4 },
  overrides: AppOverrides = {},
): DatabaseApp {
  const logger = overrides.logger ?? createLogger({ level: config.logLevel, terminal: process.stderr.isTTY })
  const { db, pool } = connect({
    connectionString: config.databaseUrl,
    ...connections,
    onConnectionLost: (err) => logger.warn({ err }, 'database connection lost'),
  })
  return { db, pool, logger, [Symbol.asyncDispose]: () => db.destroy() }
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
