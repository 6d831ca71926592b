import { DatabaseError } from '../errors.ts'
import { isUntrustedCertificate } from '../untrusted-certificate.ts'

/**
 * Explains a failure to reach or use the database in a sentence with a remedy; undefined for any other error. Decides by
 * SQLSTATE class and system error code, never by text.
 */
export function asDatabaseError(error: unknown): DatabaseError | undefined {
  if (error instanceof DatabaseError) return error
  const code = databaseCodeOf(error)
  if (code === undefined) return undefined
  const advice = adviceFor(code)
  if (advice === undefined) return undefined
  const message = messageOf(error)
  const detail = message.includes(code) ? message : `${code}: ${message}`
  return new DatabaseError(`${advice} (${detail})`, { cause: error })
}

/** The same for an error while connecting; an error without a known code means that the connection failed. */
export function asConnectionError(error: unknown): DatabaseError {
  return (
    asDatabaseError(error) ?? new DatabaseError(`${NO_CONNECTION} (${messageOf(error)})`, { cause: error })
  )
}

const UNREACHABLE =
  'The database cannot be reached. Check that it runs and that DATABASE_URL names its host and port'

/** The driver has no code for a server that does not respond, or that has no TLS although DATABASE_URL requires it. */
const NO_CONNECTION =
  'No connection to the database could be made. Check that it answers, and that it has TLS if sslmode in DATABASE_URL asks for it'

function adviceFor(code: string): string | undefined {
  if (code === '42P01' || code === '3F000' || code === '42883') {
    return 'The database lacks tables of this version. Run: identifai-sync migrate, as the role that owns the tables'
  }
  if (code === '42501') {
    return 'The database role of DATABASE_URL lacks a privilege. Roles in docs/operations.md says which command is for which role'
  }
  if (code === '3D000')
    return 'The database that DATABASE_URL names does not exist. Create it, or correct DATABASE_URL'
  if (code.startsWith('28'))
    return 'The database refuses the user or password of DATABASE_URL. Correct DATABASE_URL'
  if (code === '55P03')
    return 'Another transaction holds a lock for too long, such as an open one that has written a note (see pg_stat_activity). End it'
  if (code === '53300')
    return 'The database has no connection left. Raise max_connections, or run fewer processes'
  if (isUntrustedCertificate(code)) {
    return 'The certificate of the database is not trusted. Name its authority by sslrootcert in DATABASE_URL, or by NODE_EXTRA_CA_CERTS'
  }
  if (SYSTEM_CODES.has(code) || code.startsWith('08') || code.startsWith('57P')) {
    return UNREACHABLE
  }
  return undefined
}

/** System error codes of a failed connection to a server. */
export const SYSTEM_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
])

/** SQLSTATE or system error code of an error of the database or of the connection to it; undefined without one. */
export function databaseCodeOf(error: unknown): string | undefined {
  // A host with several addresses fails with one error for each of them.
  const first = error instanceof AggregateError ? error.errors[0] : error
  const { code, cause } = (first ?? {}) as { code?: unknown; cause?: unknown }
  if (typeof code === 'string') return code
  // A DatabaseError wraps the driver's error. The cause of any other error does not count, because an API can refuse
  // connections, too.
  return error instanceof DatabaseError && cause instanceof Error ? databaseCodeOf(cause) : undefined
}

function messageOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error
  return (first as Error).message
}
