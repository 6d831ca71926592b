import type { DatabaseApp } from '../app.ts'

/**
 * The database that the environment names, for the commands that need nothing else; closed when disposed of.
 *
 * @throws UsageError or DatabaseError when it is not named, cannot be reached, or lacks migrations.
 */
export async function openDatabase(): Promise<DatabaseApp> {
  const { createDatabaseApp } = await import('../app.ts')
  const { parseDatabaseConfig, readEnvironment } = await import('../config.ts')
  const { assertMigrated } = await import('../db/migrate.ts')
  const app = createDatabaseApp(parseDatabaseConfig(readEnvironment()))
  try {
    await assertMigrated(app.db)
    return app
  } catch (error) {
    await app[Symbol.asyncDispose]()
    throw error
  }
}
