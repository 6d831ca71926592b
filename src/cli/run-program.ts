import { CommanderError, type CommandUnknownOpts } from '@commander-js/extra-typings'
import {
  ConfigurationError,
  EXIT_CODE,
  exitCodeOf,
  PermanentError,
  RetryableError,
  UsageError,
} from '../platform/errors.ts'
import { assertNodeVersion } from '../platform/node-version.ts'
import { asDatabaseError } from '../platform/postgres/database-error.ts'
import { printNotice } from '../platform/terminal/output.ts'
import { createProgram } from './program.ts'

/** Runs one command line. An error is printed on standard error, and sets the exit code of the process. */
export async function runProgram(args: readonly string[]): Promise<void> {
  try {
    assertNodeVersion(process.versions.node)
    const program = createProgram()
    refuseTakenOptions(program, args)
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = report(error)
    if (error instanceof ConfigurationError) await warnOfUnknown()
  }
}

/** Without these options a command does no more than with them. */
const HARMLESS = ['json', 'yes']

/**
 * npm takes the options before `--` for itself: `npm run demo --keep` runs `demo`. It leaves them in `npm_config_` variables.
 *
 * @throws UsageError when npm took an option of the command.
 */
function refuseTakenOptions(program: CommandUnknownOpts, args: readonly string[]): void {
  if (process.env.npm_command === undefined) return
  const command = program.commands.find((one) => one.name() === args[0])
  const names = (command ? [command, ...command.commands] : []).flatMap(({ options }) =>
    options.map((option) => option.name()),
  )
  const taken = names.find(
    (name) => !HARMLESS.includes(name) && process.env[`npm_config_${name.replaceAll('-', '_')}`],
  )
  if (taken !== undefined) {
    throw new UsageError(
      `npm took the option --${taken} for itself, so nothing was started.`,
      'Run identifai-sync without npm, or write -- before its options.',
    )
  }
}

/** Prints an error on standard error, and returns its exit code; the only place that does. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.success : EXIT_CODE.usage
  const known = asDatabaseError(error) ?? error
  printNotice(`error: ${textOf(known)}`)
  return exitCodeOf(known)
}

/** A variable that is not set may have been set under another name. */
async function warnOfUnknown(): Promise<void> {
  const { readEnvironment } = await import('../platform/config/environment.ts')
  for (const variable of readEnvironment().unknown)
    printNotice(`warning: A variable is unknown, so it has no effect: ${variable}`)
}

function textOf(error: unknown): string {
  if (error instanceof PermanentError) return error.message
  if (error instanceof RetryableError) return `${error.message}. ${error.remedy}`
  return (error as Error)?.stack ?? String(error)
}
