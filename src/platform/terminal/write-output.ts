import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { UsageError } from '../errors.ts'

type Text = Iterable<string> | AsyncIterable<string>

/**
 * Writes text to a file, or to standard output when there is no path. A file is there whole or not at all: it gets its
 * name when everything is written.
 *
 * @throws UsageError when the file cannot be written.
 */
export async function writeOutput(text: Text, path: string | undefined): Promise<void> {
  if (path === undefined) return writeToStandardOutput(text)
  const unfinished = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await pipeline(Readable.from(text), createWriteStream(unfinished, { flags: 'wx' }))
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new UsageError(`${path} cannot be written: ${message}`)
  }
}

/** Who reads it may have read enough (`| head`): that is no failure. */
async function writeToStandardOutput(text: Text): Promise<void> {
  try {
    await pipeline(Readable.from(text), process.stdout, { end: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
}
