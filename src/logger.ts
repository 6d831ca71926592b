import { type Logger, pino } from 'pino'
import { createTerminalLog } from './terminal-log.ts'

export type { Logger }

/**
 * The only maker of loggers. Events go to standard error: JSON lines where a machine reads, short sentences
 * where a person does. Whatever somebody logs by mistake, keys and connection strings are blanked.
 */
export function createLogger(options: { readonly level: string; readonly terminal: boolean }): Logger {
  const settings = {
    level: options.level,
    base: null,
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
    options.terminal ? createTerminalLog(process.stderr) : pino.destination({ fd: 2, sync: true }),
  )
}
