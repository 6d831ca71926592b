import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { startTestServer } from '../support/start-test-server.ts'
import { useMemory } from '../support/temporary-files.ts'
import { type Mutation, mutated, PROJECT } from './mutation.ts'
import type { Result } from './results.ts'
import { runTests } from './vitest-run.ts'

const NOT_COPIED = new Set(
  ['.git', 'node_modules', 'dist', 'coverage'].map((name) => path.join(PROJECT, name)),
)

const VERDICTS = { passed: 'survived', failed: 'killed', error: 'error' } as const

export type Workshop = Awaited<ReturnType<typeof openWorkshop>>

/** Opens a copy of the project, with a PostgreSQL for its tests. Disposal removes both. */
export async function openWorkshop(signal: AbortSignal) {
  useMemory()
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-sync-mutations-'))
  // Other users may enter it, because a demo that root starts does so.
  chmodSync(folder, 0o755)
  cpSync(PROJECT, folder, { recursive: true, filter: (source) => !NOT_COPIED.has(source) })
  symlinkSync(path.join(PROJECT, 'node_modules'), path.join(folder, 'node_modules'))
  const server = await startTestServer()
  const run = (options: Pick<Mutation, 'tests' | 'only'> & { readonly isBaseline?: boolean }) =>
    runTests(folder, { ...options, serverUrl: server.url(), signal })
  return {
    /** Runs tests without a mutation. */
    runBaseline: (tests: readonly string[]) => run({ tests, isBaseline: true }),
    /** Runs the tests of a mutation with it, and takes it back. */
    tryMutation: async (mutation: Mutation): Promise<Result> => {
      const copy = path.join(folder, mutation.file)
      const original = readFileSync(copy)
      try {
        writeFileSync(copy, mutated(mutation, folder))
        const { result, detail } = await run(mutation)
        return { verdict: VERDICTS[result], detail }
      } catch (error) {
        signal.throwIfAborted()
        return { verdict: 'error', detail: (error as Error).message }
      } finally {
        writeFileSync(copy, original)
      }
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
