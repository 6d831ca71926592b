import v8 from 'node:v8'
import type { App, AppOverrides } from '../app.ts'
import type { Environment } from '../platform/config/config.ts'
import type { DatabaseApp } from '../database-app.ts'

/**
 * What a pass works with, as the environment says; closed when disposed of.
 *
 * @throws UsageError or DatabaseError when a setting is wrong, or the database cannot be reached or lacks migrations.
 */
export async function openApp(
  options: { readonly environment?: Environment; readonly overrides?: AppOverrides } = {},
): Promise<App> {
  // A pass makes much garbage: collected when the heap is twice as large as what lives in it, it costs no time and less memory.
  // Said on the command line, it would make Node's own code cache useless, and every start slower.
  v8.setFlagsFromString('--heap-growing-percent=100')
  const { createApp } = await import('../app.ts')
  const { parseSyncConfig, readEnvironment } = await import('../platform/config/config.ts')
  const environment = options.environment ?? readEnvironment()
  const app = createApp(parseSyncConfig(environment), options.overrides)
  // Whoever brings an environment has read it, and told of it, already.
  if (!options.environment) await warnOfUnknown(environment, app)
  return migrated(app)
}

/** The same for the commands that need the database only. */
export async function openDatabase(): Promise<DatabaseApp> {
  const { createDatabaseApp } = await import('../database-app.ts')
  const { parseDatabaseConfig, readEnvironment } = await import('../platform/config/config.ts')
  const environment = readEnvironment()
  const app = createDatabaseApp(parseDatabaseConfig(environment))
  await warnOfUnknown(environment, app)
  return migrated(app)
}

/** A name that is misspelt would leave its default in force, and nobody would know. */
export async function warnOfUnknown(
  environment: Environment,
  { logger }: Pick<App, 'logger'>,
): Promise<void> {
  const { unknownVariables } = await import('../platform/config/unknown-variables.ts')
  const variables = unknownVariables(environment)
  if (variables.length > 0)
    logger.warn({ variables }, 'unknown configuration variables, see identifai-sync --help')
}

async function migrated<T extends Pick<DatabaseApp, 'db' | typeof Symbol.asyncDispose>>(app: T): Promise<T> {
  const { assertMigrated } = await import('../platform/postgres/migrate.ts')
  try {
    await assertMigrated(app.db)
    return app
  } catch (error) {
    await app[Symbol.asyncDispose]()
    throw error
  }
}
