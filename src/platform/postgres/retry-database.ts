import { setTimeout as sleep } from 'node:timers/promises'
import pRetry from 'p-retry'
import type { Logger } from 'pino'
import { DatabaseError } from '../errors.ts'
import { databaseCodeOf, SYSTEM_CODES } from './database-error.ts'

/** Together with the doubling this outlasts the restart of a server: about half a minute. */
const RETRIES = 8
const FIRST_DELAY_MS = 100

/**
 * Does database work again that failed for a reason that passes: a deadlock, a serialization failure, a lost
 * connection, a server that restarts. The work has to be whole in itself (one statement, one transaction), and harmless
 * when it is done twice, because nobody knows whether a commit whose connection was lost took effect.
 */
export async function retryDatabase<T>(work: () => Promise<T>, logger: Logger): Promise<T> {
  return pRetry(work, {
    retries: RETRIES,
    // The delays are made here: p-retry has no full jitter.
    minTimeout: 0,
    shouldRetry: async ({ error, attemptNumber }) => {
      if (!isPassing(error)) return false
      const delayMs = Math.round(Math.random() * FIRST_DELAY_MS * 2 ** attemptNumber)
      logger.warn({ err: error, delayMs }, 'database operation failed, retrying')
      await sleep(delayMs)
      return true
    },
  })
}

/** Whether the same work may succeed a moment later; by SQLSTATE and system error code, never by text. */
function isPassing(error: unknown): boolean {
  const code = databaseCodeOf(error)
  // The driver says that a connection broke under a query by an error without a code.
  if (code === undefined) return error instanceof DatabaseError || isPlainError(error)
  // EPIPE looks like a SQLSTATE, too.
  const isSqlState = /^[0-9A-Z]{5}$/.test(code) && !SYSTEM_CODES.has(code)
  return !isSqlState || PASSING.test(code)
}

/**
 * Serialization failure and deadlock, lost connections (class 08), shutdowns and restarts (57P), too many connections, and
 * a lock that was not to be had in time.
 */
const PASSING = /^(40001|40P01|08...|57P0[123]|53300|55P03)$/

/** An error of no special kind; a mistake of our own in the work has a kind, such as TypeError. */
function isPlainError(error: unknown): boolean {
  return error instanceof Error && Object.getPrototypeOf(error) === Error.prototype
}
