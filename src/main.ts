#!/usr/bin/env node
import { runProgram } from './cli/run-program.ts'
import { EXIT_CODE } from './platform/errors.ts'

// The reader of the output may close it (`| head`): that is not a failure, and the work goes on.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return
    process.exitCode = EXIT_CODE.unexpected
    if (stream === process.stdout) console.error(`error: the output cannot be written: ${error.message}`)
  })
}

await runProgram(process.argv.slice(2))
