import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { type RunningSimulator, startSimulator } from '../../src/devkit/simulator/simulator.ts'
import { createTestDatabase, type TestDatabase } from './test-database.ts'
import { type CliResult, createTestCli, type TestCli } from './test-cli.ts'

const KEY = 'e2e-secret-key'

/** The built command, with a migrated database and a simulated API. */
export interface CliStage extends AsyncDisposable {
  readonly cli: TestCli
  readonly database: TestDatabase
  readonly simulator: RunningSimulator
  /** The settings that lead to both. */
  readonly environment: NodeJS.ProcessEnv
  /** Writes a file into the working directory of the command, and returns its path. */
  file(name: string, content: string): string
  /** Expects one clear message on standard error, nothing on standard output, no stack, no secret. */
  expectClearError(result: CliResult, code: number, ...texts: string[]): void
}

export async function createCliStage(): Promise<CliStage> {
  const cli = createTestCli()
  const database = await createTestDatabase()
  const simulator = await startSimulator({ apiKey: KEY, world: { requestsUntilDone: 0 } })
  const { password } = new URL(database.url)
  return {
    cli,
    database,
    simulator,
    environment: {
      DATABASE_URL: database.url,
      IDENTIFAI_API_URL: simulator.apiUrl,
      IDENTIFAI_API_KEY: KEY,
      SYNC_REQUESTS_PER_SECOND: '1000',
      SYNC_REQUESTS_PER_MINUTE: '60000',
      SYNC_RETRIES: '0',
    },
    file: (name, content) => {
      const place = path.join(cli.folder, name)
      writeFileSync(place, content)
      return place
    },
    expectClearError: (result, code, ...texts) => {
      expect(result).toMatchObject({ code, stdout: '' })
      for (const text of texts) expect(result.stderr).toContain(text)
      expect(result.stderr).not.toMatch(/^\s+at /m)
      for (const secret of [KEY, password].filter(Boolean)) expect(result.stderr).not.toContain(secret)
    },
    [Symbol.asyncDispose]: async () => {
      await simulator[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
      cli[Symbol.dispose]()
    },
  }
}
