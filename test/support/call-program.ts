import { Readable } from 'node:stream'
import { vi } from 'vitest'
import { runProgram } from '../../src/cli/run-program.ts'
import type { CliResult } from './test-cli.ts'

// Each pipeline leaves listeners on standard output, which only a process with many command lines has many of.
process.stdout.setMaxListeners(0)

let isCalling = false

/**
 * Runs one command line in the process of the test, which takes a fraction of the time of a process. The result has no log
 * events, because these are written to the file of standard error. Two calls must not overlap.
 */
export async function callProgram(
  args: readonly string[],
  { folder, environment }: { readonly folder: string; readonly environment: NodeJS.ProcessEnv },
): Promise<CliResult> {
  if (isCalling) throw new Error('Another call has not ended.')
  isCalling = true
  const { env, exitCode } = process
  const before = process.cwd()
  const output = { stdout: '', stderr: '' }
  const spies = [
    ...(['stdout', 'stderr'] as const).map((name) =>
      vi.spyOn(process[name], 'write').mockImplementation((text) => {
        output[name] += String(text)
        return true
      }),
    ),
    // An input that has ended.
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(Readable.from([]) as typeof process.stdin),
    vi.spyOn(console, 'error').mockImplementation((text) => {
      output.stderr += `${text}\n`
    }),
  ]
  process.chdir(folder)
  process.env = environment
  process.exitCode = undefined
  try {
    await runProgram(args)
    return { code: exitCodeNow(), ...output }
  } finally {
    process.chdir(before)
    process.env = env
    process.exitCode = exitCode
    for (const spy of spies) spy.mockRestore()
    isCalling = false
  }
}

function exitCodeNow(): number {
  return Number(process.exitCode ?? 0)
}
