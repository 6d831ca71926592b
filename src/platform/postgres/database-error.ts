import { DatabaseError } from '../errors.ts'
import { isUntrustedCertificate } from '../untrusted-certificate.ts'

/** SQLSTATE insufficient_privilege. */
export const INSUFFICIENT_PRIVILEGE = '42501'

/** SQLSTATE read_only_sql_transaction: the server is a standby, or has become one. */
export const READ_ONLY = '25006'

/**
 * Explains a failure to reach or use the database, with a remedy; undefined for any other error. Decides by SQLSTATE class
 * and system error code, never by text.
 */
export function asDatabaseError(error: unknown): DatabaseError | undefined {
  if (error instanceof DatabaseError) return error
  const code = databaseCodeOf(error)
  if (code === undefined) return undefined
  const message = messageOf(error)
  return explain(code, message.includes(code) ? message : `${code}: ${message}`, { cause: error })
}

/** The same for an error while connecting; an error without a known code means that the connection failed. */
export function asConnectionError(error: unknown): DatabaseError {
  // A socket that does not exist has a code that means a missing file elsewhere.
  if ((error as NodeJS.ErrnoException).syscall === 'connect')
    return unreachable(messageOf(error), { cause: error })
  // The driver has no code for a server that does not respond, or that has no TLS although DATABASE_URL requires it.
  return (
    asDatabaseError(error) ??
    new DatabaseError(
      `No connection to the database could be made (${messageOf(error)}).`,
      'Check that it responds, and that it has TLS if sslmode in DATABASE_URL requires TLS.',
      { cause: error },
    )
  )
}

function explain(code: string, detail: string, options: ErrorOptions): DatabaseError | undefined {
  if (['42P01', '3F000', '42883'].includes(code)) {
    return new DatabaseError(
      `The database lacks tables of this version (${detail}).`,
      'Run identifai-sync migrate as the role that owns the tables.',
      options,
    )
  }
  if (code === INSUFFICIENT_PRIVILEGE) {
    return new DatabaseError(
      `The database role lacks a privilege (${detail}).`,
      'Use the role that this command needs: "Create the roles" in docs/operations.md. For runs, doctor lists the missing privileges, and grant-job grants them.',
      options,
    )
  }
  if (code === '3D000') {
    return new DatabaseError(
      `The database does not exist (${detail}).`,
      'Create it, or correct its name in DATABASE_URL or PGDATABASE.',
      options,
    )
  }
  if (code.startsWith('28')) {
    return new DatabaseError(
      `The database refuses the user or the password (${detail}).`,
      'Correct them in DATABASE_URL or its file, or in PGUSER and PGPASSWORD.',
      options,
    )
  }
  // A server hardly sends it. PgBouncer does for each connection that it refuses.
  if (code === '08P01') {
    return new DatabaseError(
      `The connection pooler refuses the connection (${detail}).`,
      'Check the database, the user and the password in DATABASE_URL, and the configuration and the log of the pooler.',
      options,
    )
  }
  if (code === '55P03') {
    return new DatabaseError(
      `Another transaction holds a lock for too long (${detail}).`,
      'Find it in pg_stat_activity, and end it. It may be an open transaction that has written a note.',
      options,
    )
  }
  if (code === READ_ONLY) {
    return new DatabaseError(
      `The database server accepts no writes (${detail}).`,
      'Name the primary server in DATABASE_URL. After a failover, run again.',
      options,
    )
  }
  if (code === '57014') {
    return new DatabaseError(
      `The database canceled a statement (${detail}).`,
      'Run again. If it lasts, find out who cancels it, and check statement_timeout of the role and of the database.',
      options,
    )
  }
  if (code === '53100') {
    return new DatabaseError(
      `The disk of the database server is full (${detail}).`,
      'Free space on it. Nothing was lost, and the next run continues.',
      options,
    )
  }
  if (code === '53300') {
    return new DatabaseError(
      `The database has no free connection (${detail}).`,
      'Raise max_connections, or run fewer processes.',
      options,
    )
  }
  if (code.startsWith('53')) {
    return new DatabaseError(
      `The database server lacks a resource (${detail}).`,
      'Read its log, and raise the limit that it names.',
      options,
    )
  }
  if (isUntrustedCertificate(code)) {
    return new DatabaseError(
      `The certificate of the database is not trusted (${detail}).`,
      'Name its authority with sslrootcert in DATABASE_URL, or with NODE_EXTRA_CA_CERTS.',
      options,
    )
  }
  if (SYSTEM_CODES.has(code) || code.startsWith('08') || code.startsWith('57P')) {
    return unreachable(detail, options)
  }
  return undefined
}

function unreachable(detail: string, options: ErrorOptions): DatabaseError {
  return new DatabaseError(
    `The database cannot be reached (${detail}).`,
    'Check that it runs, also behind a pooler. DATABASE_URL (or PGHOST and PGPORT) must have the right host and port.',
    options,
  )
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
