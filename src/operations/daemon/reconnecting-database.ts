import { createDatabaseApp, type DatabaseApp } from '../../app.ts'
import type { DatabaseConfig } from '../../platform/config/config.ts'
import type { Logger } from '../../platform/logger.ts'

/** Health asks little, and nobody waits for it long. */
export const PROBE_CONNECTIONS = { maxConnections: 2, silenceMs: 5000 }

/** Metrics read the whole ledger, which takes seconds from tens of millions of identifiers on. */
export const METRICS_CONNECTIONS = { maxConnections: 1, silenceMs: 120_000 }

/** The daemon's own connections, for health and metrics; passes have theirs. */
export interface ReconnectingDatabase extends AsyncDisposable {
  /** A database that the configuration leads to as it is now: a rotated password is noticed here. */
  current(): DatabaseApp['db']
}

/** @param readConfig Reads the configuration anew, files of secrets included; throws when it cannot. */
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
        const former = open
        open = { url: config.databaseUrl, app: createDatabaseApp(config, connections, { logger }) }
        former?.app.db.destroy().catch((err: unknown) => {
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
