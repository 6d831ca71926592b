import type { DestinationStream } from 'pino'

const HIDDEN = new Set(['level', 'time', 'msg', 'runId', 'err'])

/** Clears whatever a progress line has left on the current line. */
const CLEAR_LINE = '\r\u001B[K'

/** Turns log events into lines a person reads: the message, then what it counts. */
export function createTerminalLog(output: { write(text: string): unknown }): DestinationStream {
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
