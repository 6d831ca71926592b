import { sql } from 'kysely'
import type { z } from 'zod'
import { type App, createApp } from '../../src/app.ts'
import { parseSyncConfig } from '../../src/platform/config/config.ts'
import type { Environment } from '../../src/platform/config/environment.ts'
import { enqueue } from '../../src/pipeline/queue/enqueue.ts'
import { argumentEntries } from '../../src/pipeline/queue/input/read-arguments.ts'
import { createLogger } from '../../src/platform/logger.ts'
import {
  type RunningSimulator,
  type SimulatorOptions,
  startSimulator,
} from '../../src/devkit/simulator/simulator.ts'
import type { registration, WorldOptions } from '../../src/devkit/simulator/world.ts'
import { type RunOptions, type RunResult, executeRun } from '../../src/pipeline/run/execute-run.ts'
import { createTestDatabase, type TestDatabase } from './test-database.ts'

const TEST_API_KEY = 'test-key-0123456789'

/** The real job with a database and a simulated API. */
export interface TestApp extends AsyncDisposable {
  readonly database: TestDatabase
  readonly simulator: RunningSimulator
  readonly app: App
  /** Tracks these identifiers. */
  enqueue(identifiers: readonly string[]): Promise<void>
  /** Executes one run. Throws the error of a failed run. */
  run(options?: Partial<RunOptions>): Promise<RunResult['run']>
  /** Registers submissions, tracks them, and executes one run; returns their identifiers. */
  load(submissions: z.input<typeof registration>): Promise<string[]>
  /** Hash of the file of a registered identifier. */
  hashOf(identifier: string): string
  /** Makes all identifiers due that are due later. */
  makeAllDue(): Promise<void>
}

export async function createTestApp(
  options: {
    readonly world?: Partial<WorldOptions>
    readonly environment?: Environment
    readonly quota?: SimulatorOptions['quota']
    /** Changes the address of the database, to that of a pooler for example. */
    readonly through?: (databaseUrl: string) => string
    /** Receives every log line of every level. Without it, nothing is logged. */
    readonly onLogLine?: (line: string) => void
  } = {},
): Promise<TestApp> {
  const database = await createTestDatabase()
  const simulator = await startSimulator({
    apiKey: TEST_API_KEY,
    world: { requestsUntilDone: 0, ...options.world },
    quota: options.quota,
  })
  const app = createApp(
    parseSyncConfig({
      DATABASE_URL: options.through?.(database.url) ?? database.url,
      IDENTIFAI_API_KEY: TEST_API_KEY,
      IDENTIFAI_API_URL: simulator.apiUrl,
      SYNC_REQUESTS_PER_SECOND: '100000',
      SYNC_REQUESTS_PER_MINUTE: '6000000',
      SYNC_RETRY_BASE_MS: '1',
      ...options.environment,
    }),
    { logger: testLogger(options.onLogLine) },
  )
  const track = async (identifiers: readonly string[]) => {
    await enqueue(app.db, argumentEntries(identifiers), { media: 'audio', priority: 0, source: null })
  }
  const run = async (runOptions?: Partial<RunOptions>) => {
    const result = await executeRun(app, {
      trigger: 'manual',
      signal: new AbortController().signal,
      ...runOptions,
    })
    if (result.failure !== undefined) throw result.failure
    return result.run
  }
  return {
    database,
    simulator,
    app,
    enqueue: track,
    run,
    load: async (submissions) => {
      const identifiers = simulator.world.register(submissions)
      await track(identifiers)
      await run()
      return identifiers
    },
    hashOf: (identifier) => simulator.world.hashOf(identifier) as string,
    makeAllDue: async () => {
      await sql`update identifai.identifiers set due_at = now() - interval '1 second' where due_at is not null`.execute(
        app.db,
      )
    },
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      await simulator[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

function testLogger(onLogLine: ((line: string) => void) | undefined) {
  if (!onLogLine) return createLogger({ level: 'silent', terminal: false })
  return createLogger({ level: 'trace', terminal: false, destination: { write: onLogLine } })
}
