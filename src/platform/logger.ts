import { type DestinationStream, pino } from 'pino'
import { PermanentError, RetryableError } from './errors.ts'
import type { LogEventOf } from './log-events.ts'

/** A logger of pino that accepts the events of LOG_EVENTS only. */
export interface Logger {
  readonly debug: LogFunction<LogEventOf<'debug'>>
  readonly info: LogFunction<LogEventOf<'info'>>
  readonly warn: LogFunction<LogEventOf<'warn'>>
  readonly error: LogFunction<LogEventOf<'error'>>
  /** Creates a logger that adds these fields to each event. */
  child(fields: object): Logger
}

interface LogFunction<Event extends string> {
  (event: Event): void
  (fields: object, event: Event): void
}

/**
 * Creates the logger; the only place that does. Events go to standard error: as JSON lines for programs, as sentences on a
 * terminal. There a normal run logs nothing, because the progress line and the result report it. Keys and connection
 * strings are redacted in every event.
 */
export function createLogger(options: {
  readonly level: string
  readonly terminal: boolean
  /** Logs normal runs on a terminal, too, for a command without a progress line and a result. */
  readonly narrates?: boolean
  /** Destination of JSON lines; standard error when absent. */
  readonly destination?: DestinationStream
}): Logger {
  const settings = {
    level: options.terminal && !options.narrates && options.level === 'info' ? 'warn' : options.level,
    base: null,
    // An error may carry the whole connection that failed, so only its message and code are logged.
    serializers: { err: errorFields },
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
  // Synchronous, because the last lines before an exit are the ones that matter.
  return pino(
    settings,
    options.terminal
      ? createTerminalLog(process.stderr)
      : (options.destination ?? pino.destination({ fd: 2, sync: true })),
  )
}

function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) }
  const { code } = error as NodeJS.ErrnoException
  // The stack of an expected error does not help to fix its cause.
  const isExpected = error instanceof PermanentError || error instanceof RetryableError
  return {
    type: error.name,
    message: error.message,
    ...(code !== undefined && { code }),
    ...(!isExpected && { stack: error.stack }),
  }
}

const HIDDEN = new Set(['level', 'time', 'msg', 'runId', 'err'])

/** Clears the progress line, if one is on the current line. */
const CLEAR_LINE = '\r\u001B[K'

/** Formats log events as lines for people: the message, then its fields. */
function createTerminalLog(output: { write(text: string): unknown }): DestinationStream {
  return {
    write: (line) => {
      const event = JSON.parse(line) as Record<string, unknown>
      const level = String(event.level)
      const prefix = level === 'info' || level === 'debug' || level === 'trace' ? '' : `${level}: `
      const details = Object.entries(event)
        .filter(([key]) => !HIDDEN.has(key))
        .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
      const cause = (event.err as { message?: string } | undefined)?.message
      const tail = [...(cause ? [cause] : []), ...details].join(', ')
      output.write(`${CLEAR_LINE}${prefix}${String(event.msg)}${tail ? ` (${tail})` : ''}\n`)
    },
  }
}
