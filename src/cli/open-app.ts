import v8 from 'node:v8'
import type { App, AppOverrides } from '../app.ts'
import type { DatabaseApp } from '../platform/database-app.ts'
import type { Ownership } from '../operations/roles/read-privileges.ts'
import { DatabaseError } from '../platform/errors.ts'
import type { Environment } from '../platform/config/environment.ts'
import { databaseCodeOf, INSUFFICIENT_PRIVILEGE } from '../platform/postgres/database-error.ts'

/**
 * Opens the parts of a run, configured by the environment of the process or another; disposing of them closes them.
 *
 * @throws UsageError or DatabaseError when a setting is wrong, or the database cannot be reached or lacks migrations.
 */
export async function openApp(passed?: Environment, overrides?: AppOverrides): Promise<App> {
  limitHeap()
  const { createApp } = await import('../app.ts')
  const { parseSyncConfig } = await import('../platform/config/config.ts')
  const { readEnvironment } = await import('../platform/config/environment.ts')
  // The caller of another environment has warned about it already.
  const { environment, unknown } = passed ? { environment: passed, unknown: [] } : readEnvironment()
  const app = createApp(parseSyncConfig(environment), overrides)
  warnOfUnknown(unknown, app)
  return migrated(app)
}

/**
 * Opens the parts of a command that needs the database only.
 *
 * @param needs The role that the command needs, for the remedy where another one lacks privileges.
 */
export async function openDatabase(needs: Role = 'job'): Promise<DatabaseApp> {
  limitHeap()
  const { createDatabaseApp } = await import('../platform/database-app.ts')
  const { parseDatabaseConfig, parseMaintenanceConfig } = await import('../platform/config/config.ts')
  const { readEnvironment } = await import('../platform/config/environment.ts')
  const { environment, unknown } = readEnvironment()
  const parse = needs === 'maintenance' ? parseMaintenanceConfig : parseDatabaseConfig
  const app = createDatabaseApp(parse(environment))
  warnOfUnknown(unknown, app)
  return migrated(app, needs)
}

/**
 * A run, and a long file, make much garbage. Collecting it when the heap has doubled takes little time and less memory. As a
 * flag of the command line, this would disable Node's own code cache, and slow down every start.
 */
function limitHeap(): void {
  v8.setFlagsFromString('--heap-growing-percent=100')
}

/** Warns of misspelled names, which would silently leave their defaults in force. */
export function warnOfUnknown(unknown: readonly string[], { logger }: Pick<App, 'logger'>): void {
  if (unknown.length === 0) return
  logger.warn({ variables: unknown }, 'unknown configuration variables, see identifai-sync --help')
}

/** Does the work; when the role lacks a privilege, throws the error that explains what this command needs. */
export async function explainPrivilege<T>(
  explain: (detail: string, options: ErrorOptions) => DatabaseError | Promise<DatabaseError>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (databaseCodeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error
    throw await explain((error as Error).message, { cause: error })
  }
}

async function migrated<T extends Pick<DatabaseApp, 'db' | typeof Symbol.asyncDispose>>(
  app: T,
  needs: Role = 'job',
): Promise<T> {
  const { assertMigrated } = await import('../platform/postgres/migrate.ts')
  const { readOwnership } = await import('../operations/roles/read-privileges.ts')
  try {
    await explainPrivilege(
      async (detail, cause) => explainRole[needs](await readOwnership(app.db), detail, cause),
      () => assertMigrated(app.db),
    )
    return app
  } catch (error) {
    await app[Symbol.asyncDispose]()
    throw error
  }
}

/** The role that a command needs. */
type Role = 'job' | 'owner' | 'maintenance'

const explainRole = {
  job: ({ current, owner }: Ownership, detail: string, options: ErrorOptions) =>
    new DatabaseError(
      `The role ${current} may not read the tables, which the role ${owner} owns (${detail}).`,
      `Use the role of the job. If ${current} is this role, run as ${owner}: identifai-sync grant-job ${current}.`,
      options,
    ),
  maintenance: ({ current, owner }: Ownership, detail: string, options: ErrorOptions) =>
    new DatabaseError(
      `The role ${current} may not remove data (${detail}).`,
      `Use the role ${owner}, or another role in MAINTENANCE_DATABASE_URL. As ${owner}, run: identifai-sync grant-maintenance <role>.`,
      options,
    ),
  owner: ({ current, owner }: Ownership, detail: string, options: ErrorOptions) =>
    new DatabaseError(
      `The role ${current} does not own the tables (${detail}).`,
      `Use the role ${owner} in DATABASE_URL. To make ${current} the owner, let a superuser execute deploy/change-owner.sql.`,
      options,
    ),
}
