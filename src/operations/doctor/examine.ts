import type { Kysely } from 'kysely'
import { type App, createApp } from '../../app.ts'
import { type DatabaseConfig, parseDatabaseConfig } from '../../platform/config/config.ts'
import type { Environment } from '../../platform/config/environment.ts'
import { ENDPOINTS } from '../../media/registry.ts'
import { readPause } from '../../pipeline/api/pause.ts'
import { createDatabaseApp } from '../../platform/database-app.ts'
import { ConfigurationError } from '../../platform/errors.ts'
import { createLogger } from '../../platform/logger.ts'
import { readClock } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { checkApi } from './check-api.ts'
import { checkConfiguration, checkRequestSize } from './check-configuration.ts'
import { checkClocks, checkDatabase, checkPause, checkStatuses, checkWrites } from './check-database.ts'
import { checkHistory, checkMigrations, checkPrivileges, checkSequences } from './check-schema.ts'
import { type Finding, type Result, skipped } from './finding.ts'
import { probeApi } from './probe-api.ts'

/** How long the doctor waits for a response of the database. Its statements are short. */
const MAX_SILENCE_SECONDS = 15

/**
 * Checks everything that a run needs, from the configuration to the responses of the API, and reports each finding as
 * soon as it is made. Writes only the quota slots of its own requests, so that a current run stays within the quota. All
 * else that it writes is rolled back.
 */
export async function examine(
  environment: Environment,
  options: {
    /** Variables of the environment that nothing reads. */
    readonly unknown: readonly string[]
    /** An identifier that has a result. With it, the doctor also probes how the API behaves. */
    readonly known: string | undefined
    readonly onFinding: (finding: Finding) => void
  },
): Promise<Finding[]> {
  const findings: Finding[] = []
  const report = (check: string, results: readonly Result[]) => {
    for (const { part, ...result } of results) {
      const finding = { check: part === undefined ? check : `${check}: ${part}`, ...result }
      findings.push(finding)
      options.onFinding(finding)
    }
  }
  const { config, results: configuration } = checkConfiguration(environment, options.unknown)
  report('configuration', configuration)

  // The findings contain everything that the log would.
  const logger = createLogger({ level: 'silent', terminal: false })
  const passed = new Set<string>()
  const perform = async (checks: readonly Check[]) => {
    for (const { name, needs, run } of checks) {
      const isPossible = needs === undefined || passed.has(needs)
      const results = isPossible ? [await run()].flat() : [skipped()]
      if (isPossible && results.every(({ status }) => status !== 'failed')) passed.add(name)
      report(name, results)
    }
  }
  if (config !== undefined) {
    // A pooler in front of a server that is down responds to nothing.
    const leaseSeconds = Math.min(config.leaseSeconds, MAX_SILENCE_SECONDS)
    await using app = createApp({ ...config, leaseSeconds }, { logger })
    await perform([...checksOfDatabase(app.db), ...checksOfApi(app, passed, options.known)])
  } else {
    const databaseConfig = asDatabaseConfig(environment)
    if (databaseConfig === undefined) return findings
    await using database = createDatabaseApp(
      databaseConfig,
      { maxConnections: 1, silenceMs: MAX_SILENCE_SECONDS * 1000 },
      { logger },
    )
    await perform(checksOfDatabase(database.db))
  }
  return findings
}

/** The configuration of the database, which can be right where another setting is wrong. */
function asDatabaseConfig(environment: Environment): DatabaseConfig | undefined {
  try {
    return parseDatabaseConfig(environment)
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined
    throw error
  }
}

interface Check {
  readonly name: string
  /** Name of the check that has to pass first. */
  readonly needs?: string
  readonly run: () => Promise<Result | Result[]>
}

function checksOfDatabase(db: Kysely<Database>): readonly Check[] {
  return [
    { name: 'database', run: () => checkDatabase(db) },
    { name: 'privileges', needs: 'database', run: () => checkPrivileges(db) },
    { name: 'migrations', needs: 'privileges', run: () => checkMigrations(db) },
    { name: 'sequences', needs: 'migrations', run: () => checkSequences(db) },
    { name: 'history', needs: 'migrations', run: () => checkHistory(db) },
    { name: 'writes', needs: 'migrations', run: () => checkWrites(db) },
    { name: 'pause', needs: 'migrations', run: () => checkPause(db) },
    { name: 'statuses', needs: 'migrations', run: () => checkStatuses(db) },
  ]
}

/** The checks after those of the database; `passed` has the names of those that have passed so far. */
function checksOfApi(app: App, passed: ReadonlySet<string>, known: string | undefined): readonly Check[] {
  const { config, db, api, quota } = app
  let apiDate: Date | null = null
  // Without its tables there is no quota to share, and without writes no slot to take.
  const takeSlot = async () => {
    if (passed.has('writes')) await quota.takeSlot({ urgent: true, signal: new AbortController().signal })
  }
  const isPaused = async () => passed.has('migrations') && (await readPause(db)) !== null
  const checks: Check[] = [
    { name: 'requests', run: () => checkRequestSize(config, passed.has('migrations') ? db : null) },
    {
      name: 'api',
      run: async () => {
        // A request into a pause could make the API prolong it.
        if (await isPaused())
          return skipped('Requests are paused, so none was sent. Run doctor again after that.')
        const response = await checkApi({ api, takeSlot, db: passed.has('migrations') ? db : null })
        apiDate = response.httpDate
        return response.result
      },
    },
    {
      name: 'clocks',
      needs: 'database',
      run: async () => {
        const machine = new Date()
        return checkClocks({ machine, database: new Date(await readClock(db)), api: apiDate })
      },
    },
  ]
  if (known !== undefined) {
    checks.push({
      name: 'probe',
      needs: 'api',
      run: async () =>
        (await isPaused()) ? skipped() : probeApi({ api, endpoint: ENDPOINTS[0], known, takeSlot }),
    })
  }
  return checks
}
