import { readFile, stat } from 'node:fs/promises'
import { DatabaseError } from '../errors.ts'

/** The values that a line of a password file is for. */
interface Connection {
  readonly host: string
  readonly port: string
  readonly database: string
  readonly user: string
}

/**
 * Reads a password from libpq's password file, which has lines of `host:port:database:user:password`. An asterisk fits
 * everything. Undefined without a file or a line that fits. Own code, because the driver's is deprecated and prints warnings.
 *
 * @throws DatabaseError when other users can read the file.
 */
export async function readPassword(file: string, connection: Connection): Promise<string | undefined> {
  const lines = await readPrivateLines(file)
  const { host, port, database, user } = connection
  // As for libpq, the lines of a local socket have the host localhost.
  const wanted = [host.startsWith('/') ? 'localhost' : host, port, database, user]
  const fits = (fields: readonly string[]) =>
    wanted.every((value, index) => fields[index] === '*' || unescaped(fields[index]) === value)
  return unescaped(lines.map(fieldsOf).find(fits)?.[wanted.length])
}

async function readPrivateLines(file: string): Promise<string[]> {
  try {
    const { mode } = await stat(file)
    if (mode & 0o077) {
      throw new DatabaseError(
        `The password file ${file} can be read by other users, so it is not used.`,
        'Run chmod 600 on it.',
      )
    }
    return (await readFile(file, 'utf8')).split(/\r?\n/)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** The fields of a line, in which a backslash escapes a colon or a backslash. */
function fieldsOf(line: string): string[] {
  return Array.from(line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g), ([, field = '']) => field)
}

function unescaped(field: string | undefined): string | undefined {
  return field?.replaceAll(/\\(.)/g, '$1')
}
