import { type DestinationStream, type Logger, pino } from 'pino'
import { PermanentError, RetryableError } from './errors.ts'
import { createTerminalLog } from './terminal/terminal-log.ts'

export type { Logger }

/**
 * The only maker of loggers. Events go to standard error: JSON lines where a machine reads; where a person does,
 * sentences, and of a normal pass none, because the progress line and the result tell it. Whatever somebody logs by
 * mistake, keys and connection strings are blanked.
 */
export function createLogger(options: {
  readonly level: string
  readonly terminal: boolean
  /** Whether a person, too, is told of normal passes: there is no progress line and no result that does. */
  readonly narrates?: boolean
  /** Where JSON lines go; standard error when absent. */
  readonly destination?: DestinationStream
}): Logger {
  const settings = {
    level: options.terminal && !options.narrates && options.level === 'info' ? 'warn' : options.level,
    base: null,
    // An error may carry the whole connection it broke on: only its own words are logged.
    serializers: { err: errorWords },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: [
        'apiKey',
        'databaseUrl',
        '*.apiKey',
        '*.databaseUrl',
        'headers["x-api-key"]',
        '*.headers["x-api-key"]',
      ],
      censor: '[redacted]',
    },
  }
  // Synchronous: the last lines before an exit are the ones that matter.
  return pino(
    settings,
    options.terminal
      ? createTerminalLog(process.stderr)
      : (options.destination ?? pino.destination({ fd: 2, sync: true })),
  )
}

function errorWords(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) }
  const { code } = error as NodeJS.ErrnoException
  // Where an expected failure was noticed says nothing to whoever has to mend it.
  const isExpected = error instanceof PermanentError || error instanceof RetryableError
  return {
    type: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    ...(!isExpected && { stack: error.stack }),
  }
}
