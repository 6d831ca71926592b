import type { Logger } from '../logger.ts'
import { DatabaseError } from '../errors.ts'
import { RETRY_POLICY, retry } from '../retry.ts'
import { databaseCodeOf, SYSTEM_CODES } from './database-error.ts'

/**
 * Repeats database work that failed for a transient reason: a deadlock, a serialization failure, a lost connection, a
 * server that restarts or fails over. The work is one statement or one transaction. It is harmless when it is done
 * twice, because a commit whose connection was lost may have taken effect.
 */
export async function retryDatabase<T>(work: () => Promise<T>, logger: Logger): Promise<T> {
  return retry(work, {
    ...RETRY_POLICY.database,
    isRetryable: isTransient,
    onRetry: (err, _, delayMs) => logger.warn({ err, delayMs }, 'database operation failed, retrying'),
  })
}

/** Decides by SQLSTATE and system error code, never by text, if the same work may succeed a moment later. */
function isTransient(error: unknown): boolean {
  const code = databaseCodeOf(error)
  // The driver reports a connection that broke under a query by an error without a code.
  if (code === undefined) return error instanceof DatabaseError || isPlainError(error)
  // EPIPE has the form of a SQLSTATE, too.
  const isSqlState = /^[0-9A-Z]{5}$/.test(code) && !SYSTEM_CODES.has(code)
  return !isSqlState || TRANSIENT.test(code)
}

/**
 * Serialization failure and deadlock, lost connections (class 08), shutdowns and restarts (57P), a canceled statement, and a
 * lock that was not free in time. Also a lack of resources such as disk or connections (53), and a server that has become
 * read-only. And the code that a cluster has for the loss of a worker within a COPY.
 */
const TRANSIENT = /^(40001|40P01|08...|57P0[123]|53...|25006|57014|55P03|58030)$/

/** An error of no special class; a programming error in the work has one, such as TypeError. */
function isPlainError(error: unknown): boolean {
  return error instanceof Error && Object.getPrototypeOf(error) === Error.prototype
}
