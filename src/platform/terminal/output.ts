import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { lstat, rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { UsageError } from '../errors.ts'
import { asCalled } from '../called-as.ts'
import { printableLines } from '../text.ts'
import { colored } from './color.ts'

/** Prints text for people on standard output. Identifiers in it come from outside, so no control reaches the terminal. */
export function print(text: string): void {
  process.stdout.write(`${colored(printableLines(text), process.stdout)}\n`)
}

/** Prints a notice of ours for people on standard error, in the same way. */
export function printNotice(text: string): void {
  process.stderr.write(`${colored(printableLines(asCalled(text)), process.stderr)}\n`)
}

let quiet = false

/** Suppresses progress lines and reports of success, for a caller that wants to hear of errors only. */
export function beQuiet(isQuiet: boolean): void {
  quiet = isQuiet
}

/** Prints the success of a command that changes something, unless the caller wants to hear of errors only. */
export function printSuccess(text: string): void {
  if (!quiet) print(text)
}

/** Prints the one JSON document of a command on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

type Text = Iterable<string> | AsyncIterable<string>

/**
 * Writes text to a file, or to standard output without a path or with `-`. A new or regular file exists complete or not at
 * all, because it gets its name when everything is written. A device, a FIFO or a link is written through.
 *
 * @throws UsageError when the file cannot be written.
 */
export async function writeOutput(text: Text, path = '-'): Promise<void> {
  if (path === '-') return writeToStandardOutput(text)
  try {
    const existing = await lstat(path).catch(() => undefined)
    if (existing === undefined || existing.isFile()) await replaceFile(text, path)
    else await pipeline(Readable.from(text), createWriteStream(path))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new UsageError(`${path} cannot be written (${message}).`, 'Give another path with --output.')
  }
}

async function replaceFile(text: Text, path: string): Promise<void> {
  const unfinished = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await pipeline(Readable.from(text), createWriteStream(unfinished, { flags: 'wx' }))
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
}

/** A reader that has read enough (`| head`) is not a failure. */
async function writeToStandardOutput(text: Text): Promise<void> {
  try {
    await pipeline(Readable.from(text), process.stdout, { end: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
}

/** One line that is rewritten in place on a terminal; not shown elsewhere, where log lines report the progress. */
export interface ProgressLine {
  readonly isShown: boolean
  readonly show: (text: string) => void
  readonly clear: () => void
}

export function createProgressLine(output: NodeJS.WriteStream): ProgressLine {
  if (!output.isTTY || quiet) return { isShown: false, show: () => {}, clear: () => {} }
  const rewrite = (text: string) => {
    output.cursorTo(0)
    output.clearLine(1)
    output.write(text)
  }
  return {
    isShown: true,
    // One column stays free, or the cursor would wrap; a terminal without a size reports 0.
    show: (text) => rewrite(text.slice(0, (output.columns || 80) - 1)),
    clear: () => rewrite(''),
  }
}
