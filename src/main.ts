#!/usr/bin/env node
import { CommanderError } from '@commander-js/extra-typings'
import { createProgram } from './cli/program.ts'
import { EXIT_CODE, exitCodeOf, PermanentError, RetryableError } from './platform/errors.ts'
import { assertNodeVersion } from './platform/node-version.ts'
import { asDatabaseError } from './platform/postgres/database-error.ts'
import { printable } from './platform/text.ts'

// The reader of the output may close it (`| head`): that is not a failure, and the work goes on.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return
    process.exitCode = EXIT_CODE.unexpected
    if (stream === process.stdout) console.error(`error: the output cannot be written: ${error.message}`)
  })
}

try {
  assertNodeVersion(process.versions.node)
  await createProgram().parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

/** Prints an error on standard error, and returns its exit code; the only place that does. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.success : EXIT_CODE.usage
  const known = asDatabaseError(error) ?? error
  const text = textOf(known)
  // Identifiers and labels in the text come from outside; its line breaks do not.
  console.error(`error: ${text.split('\n').map(printable).join('\n')}`)
  return exitCodeOf(known)
}

function textOf(error: unknown): string {
  if (error instanceof PermanentError) return error.message
  if (error instanceof RetryableError) return `${error.message}. ${error.remedy}`
  return (error as Error)?.stack ?? String(error)
}
