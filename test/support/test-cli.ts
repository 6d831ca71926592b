import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { inject } from 'vitest'

export interface CliResult {
  /** The exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** The command as it is published, with a working directory of its own. */
export interface TestCli extends Disposable {
  /** Runs one command to its end, in the process of the test. Two calls must not overlap. */
  call(args: readonly string[], environment?: NodeJS.ProcessEnv): Promise<CliResult>
  /** Runs one command to its end, in a process of its own. */
  run(args: readonly string[], environment?: NodeJS.ProcessEnv, input?: string): Promise<CliResult>
  /** Starts one command and returns the running process. */
  start(args: readonly string[], environment?: NodeJS.ProcessEnv): ChildProcess
  /** The environment that every command gets. */
  readonly environment: NodeJS.ProcessEnv
  /** The path of the command. */
  readonly command: string
  /** The working directory, without a .env file. */
  readonly folder: string
}

export function createTestCli(): TestCli {
  const command = inject('builtCommand')
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai sync e2e '))
  const common = {
    // The command uses the Node of the tests and not another installed one.
    PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
    HOME: process.env.HOME,
    TMPDIR: process.env.TMPDIR,
    // A shared cache compiles modules once for hundreds of processes.
    NODE_COMPILE_CACHE: path.join(path.dirname(command), 'compiled'),
  }
  const start = (args: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
    spawn(command, args, { cwd: folder, env: { ...common, ...environment }, stdio: 'pipe' })
  return {
    command,
    folder,
    environment: common,
    call: async (args, environment) => {
      const { callProgram } = await import('./call-program.ts')
      // Its log events would be among the results of the tests.
      return callProgram(args, { folder, environment: { LOG_LEVEL: 'silent', ...common, ...environment } })
    },
    start,
    run: async (args, environment, input = '') => {
      const child = start(args, environment)
      child.stdin.on('error', () => {}).end(input)
      return finish(child)
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

/** Waits for a process to end and collects its output. */
export async function finish(child: ChildProcess): Promise<CliResult> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (text) => {
    stdout += String(text)
  })
  child.stderr?.on('data', (text) => {
    stderr += String(text)
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code: code ?? signal, stdout, stderr }
}
