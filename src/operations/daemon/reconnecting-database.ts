import { createDatabaseApp, type DatabaseApp } from '../../platform/database-app.ts'
import type { DatabaseConfig } from '../../platform/config/config.ts'
import type { Logger } from '../../platform/logger.ts'

/** Creates the daemon's own connections, for probes or metrics. Each run opens its own. */
export function createReconnectingDatabase(
  options: { readonly logger: Logger; readonly readDatabaseConfig: () => DatabaseConfig },
  connections: { readonly maxConnections: number; readonly silenceMs: number },
) {
  const { logger } = options
  let open: { readonly url: string; readonly app: DatabaseApp } | undefined
  return {
    /** Returns the database of the current configuration, so that a rotated password takes effect. */
    current: () => {
      const config = options.readDatabaseConfig()
      if (open?.url !== config.databaseUrl) {
        const previous = open
        open = { url: config.databaseUrl, app: createDatabaseApp(config, connections, { logger }) }
        previous?.app.db.destroy().catch((err: unknown) => {
          logger.warn({ err }, 'connection close failed')
        })
      }
      return open.app.db
    },
    [Symbol.asyncDispose]: async () => open?.app[Symbol.asyncDispose](),
  }
}
