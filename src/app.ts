import { createApiClient } from './pipeline/api/client.ts'
import { Quota } from './pipeline/api/quota.ts'
import { createSigner } from './pipeline/seal/checkpoint.ts'
import type { RunTools } from './pipeline/run/run.ts'
import type { SyncConfig } from './platform/config/config.ts'
import { createDatabaseApp } from './platform/database-app.ts'
import type { Logger } from './platform/logger.ts'
import { NO_TELEMETRY, type Telemetry } from './platform/telemetry.ts'

/** The parts of a run, and their disposal. */
export interface App extends RunTools, AsyncDisposable {}

/** The parts that a caller may provide itself. */
export interface AppOverrides {
  readonly logger?: Logger
  readonly telemetry?: Telemetry
}

/** The composition root: the one place where the parts of a run are created. */
export function createApp(config: SyncConfig, overrides: AppOverrides = {}): App {
  // Each batch in progress holds one connection while it is written; claims and heartbeats need two more.
  const maxConnections = config.concurrency + 2
  // A process that gets no response for the time of a lease has lost it.
  const silenceMs = config.leaseSeconds * 1000
  const database = createDatabaseApp(config, { maxConnections, silenceMs }, overrides)
  const telemetry = overrides.telemetry ?? NO_TELEMETRY
  const api = createApiClient({
    baseUrl: config.apiUrl,
    apiKey: config.apiKey,
    timeoutMs: config.requestTimeoutMs,
    httpsProxy: config.httpsProxy,
    noProxy: config.noProxy,
    onEnded: (status, seconds) => telemetry.requestEnded(status, seconds),
  })
  const { db, pool, logger } = database
  return {
    config,
    api,
    quota: new Quota({ ...config, db, logger }),
    telemetry,
    signer: config.sealSigningKey === null ? null : createSigner(config.sealSigningKey),
    db,
    pool,
    logger,
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}
