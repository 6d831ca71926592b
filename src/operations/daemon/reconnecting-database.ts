import { createDatabaseApp, type DatabaseApp } from '../../platform/database-app.ts'
import type { DatabaseConfig } from '../../platform/config/config.ts'
import type { Logger } from '../../platform/logger.ts'

/** Probes run short queries, and the caller gives up after seconds. */
export const PROBE_CONNECTIONS = { maxConnections: 2, silenceMs: 5000 }

/** Metrics read all tracked identifiers, which takes seconds from tens of millions of identifiers on. */
export const METRICS_CONNECTIONS = { maxConnections: 1, silenceMs: 120_000 }

/** The daemon's own connections, for probes and metrics. Each run opens its own. */
export interface ReconnectingDatabase extends AsyncDisposable {
  /** Returns the database of the current configuration, so that a rotated password takes effect. */
  current(): DatabaseApp['db']
}

/** @param readConfig Reads the current configuration, including the files of secrets; throws when it cannot. */
export function createReconnectingDatabase(
  readConfig: () => DatabaseConfig,
  logger: Logger,
  connections: typeof PROBE_CONNECTIONS,
): ReconnectingDatabase {
  let open: { readonly url: string; readonly app: DatabaseApp } | undefined
  return {
    current: () => {
      const config = readConfig()
      if (open?.url !== config.databaseUrl) {
        const previous = open
        open = { url: config.databaseUrl, app: createDatabaseApp(config, connections, { logger }) }
        previous?.app.db.destroy().catch((err: unknown) => {
          logger.warn({ err }, 'connection close failed')
        })
      }
      return open.app.db
    },
    [Symbol.asyncDispose]: async () => {
      await open?.app[Symbol.asyncDispose]()
    },
  }
}
