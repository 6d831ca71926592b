import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export interface CliResult {
  /** The exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface BuiltCli extends Disposable {
  /** Runs one command to its end. */
  run(args: readonly string[], environment?: NodeJS.ProcessEnv, input?: string): Promise<CliResult>
  /** Starts one command and returns the running process. */
  start(args: readonly string[], environment?: NodeJS.ProcessEnv): ChildProcess
  /** A working directory without a .env file. */
  readonly folder: string
}

const project = path.resolve(import.meta.dirname, '../..')

/** Builds the command as it is published, into a folder whose path has a space. */
export function buildCli(): BuiltCli {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai sync e2e '))
  const tsc = path.join(project, 'node_modules/.bin/tsc')
  const config = path.join(project, 'tsconfig.build.json')
  // Skips the type check, because it would run again for each test file.
  execFileSync(tsc, ['-p', config, '--noCheck', '--outDir', path.join(folder, 'dist')])
  const command = path.join(folder, 'dist/identifai-sync')
  copyFileSync(path.join(project, 'src/identifai-sync.sh'), command)
  chmodSync(command, 0o755)
  symlinkSync(path.join(project, 'node_modules'), path.join(folder, 'node_modules'))
  const start = (args: readonly string[], environment: NodeJS.ProcessEnv = {}) =>
    spawn(command, args, {
      cwd: folder,
      env: {
        // The command uses the Node of the tests and not another installed one.
        PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
        HOME: process.env.HOME,
        TMPDIR: process.env.TMPDIR,
        // A shared cache compiles modules once for hundreds of processes.
        NODE_COMPILE_CACHE: path.join(project, 'node_modules/.cache/compiled'),
        ...environment,
      },
      stdio: 'pipe',
    })
  return {
    folder,
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
