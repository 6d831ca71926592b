import type { Kysely } from 'kysely'
import type { ConnectionPool } from './postgres/connect.ts'
import type { DatabaseConfig } from './config/config.ts'
import { createLogger, type Logger } from './logger.ts'
import { type ConnectOptions, connect } from './postgres/connect.ts'
import type { Database } from './postgres/database.ts'

/** The parts of a command that needs the database only. */
export interface DatabaseApp extends AsyncDisposable {
  readonly db: Kysely<Database>
  readonly pool: ConnectionPool
  readonly logger: Logger
}

/** Opens the database at the first query; disposing of it closes every connection. */
export function createDatabaseApp(
  config: DatabaseConfig,
  connections: Pick<ConnectOptions, 'maxConnections' | 'silenceMs'> = { maxConnections: 4 },
  overrides: { readonly logger?: Logger } = {},
): DatabaseApp {
  const logger = overrides.logger ?? createLogger({ level: config.logLevel, terminal: process.stderr.isTTY })
  const { db, pool } = connect({
    connectionString: config.databaseUrl,
    ...connections,
    onConnectionLost: (err) => logger.warn({ err }, 'database connection lost'),
  })
  return { db, pool, logger, [Symbol.asyncDispose]: () => db.destroy() }
}
