import { CommanderError } from '@commander-js/extra-typings'
import { EXIT_CODE, exitCodeOf, PermanentError, RetryableError } from '../platform/errors.ts'
import { assertNodeVersion } from '../platform/node-version.ts'
import { asDatabaseError } from '../platform/postgres/database-error.ts'
import { printNotice } from '../platform/terminal/output.ts'
import { createProgram } from './program.ts'

/** Runs one command line. An error is printed on standard error, and sets the exit code of the process. */
export async function runProgram(args: readonly string[]): Promise<void> {
  try {
    assertNodeVersion(process.versions.node)
    await createProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = report(error)
  }
}

/** Prints an error on standard error, and returns its exit code; the only place that does. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.success : EXIT_CODE.usage
  const known = asDatabaseError(error) ?? error
  const text = textOf(known)
  printNotice(`error: ${text}`)
  return exitCodeOf(known)
}

function textOf(error: unknown): string {
  if (error instanceof PermanentError) return error.message
  if (error instanceof RetryableError) return `${error.message}. ${error.remedy}`
  return (error as Error)?.stack ?? String(error)
}
