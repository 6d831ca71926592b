import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, type KyselyPlugin, sql } from 'kysely'
import { recordVerification } from '../../compliance/verify/verifications.ts'
import { verifyDatabase } from '../../compliance/verify/verify-database.ts'
import type { DatabaseConfig } from '../../platform/config/config.ts'
import { createDatabaseApp } from '../../platform/database-app.ts'
import type { Logger } from '../../platform/logger.ts'
import { readClock } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { asDatabaseError } from '../../platform/postgres/database-error.ts'
import { assertMigrated } from '../../platform/postgres/migrate.ts'
import { RETRY_POLICY } from '../../platform/retry.ts'

interface VerificationOptions {
  readonly logger: Logger
  /** Requests a clean stop. */
  readonly signal: AbortSignal
  /** Reads the current configuration of the database. Throws when it cannot. */
  readonly readDatabaseConfig: () => DatabaseConfig
}

/** Sorting the history of millions of classifications takes the server minutes. */
const CONNECTIONS = { maxConnections: 1, silenceMs: 600_000 }

/**
 * Verifies the history, the tables and the definitions on a connection of its own, and stores the result. Does nothing while
 * another process verifies. Never rejects. Ends half an hour after a failure, so that it is not repeated every minute.
 */
export async function executeVerification(options: VerificationOptions): Promise<void> {
  const { logger, signal } = options
  try {
    await verifyAndRecord(options)
  } catch (error) {
    if (signal.aborted || error === IN_PROGRESS) return
    logger.error({ err: asDatabaseError(error) ?? error }, 'verification failed')
    const delayMs = RETRY_POLICY.run.repeatAfterMinutes * 60_000
    await sleep(delayMs, undefined, { signal }).catch(() => {})
  }
}

async function verifyAndRecord({ logger, signal, readDatabaseConfig }: VerificationOptions): Promise<void> {
  await using app = createDatabaseApp(readDatabaseConfig(), CONNECTIONS, { logger })
  await assertMigrated(app.db)
  const startedAt = await readClock(app.db)
  let isStarted = false
  const result = await verifyDatabase(app.db, {
    tables: true,
    prepare: async (trx) => {
      await refuseConcurrent(trx)
      // On a cluster, findings are read a second time.
      if (!isStarted) logger.info('verification started')
      isStarted = true
      return trx.withPlugin(stopAt(signal))
    },
  })
  await recordVerification(app.db, startedAt, result)
  const { runs, chain_head: chainHead, findings } = result
  if (findings.length === 0) logger.info({ runs, chainHead }, 'verification ended')
  else
    logger.error(
      { runs, chainHead, findings: findings.length, first: findings.slice(0, LOGGED) },
      'verification found differences',
    )
}

/** Findings that the log has. */
const LOGGED = 5

const IN_PROGRESS = new Error('another process verifies the database')

/** Several daemons can use one database. The lock is held until the snapshot ends. */
async function refuseConcurrent(trx: Kysely<Database>): Promise<void> {
  const { rows } = await sql<{ isFree: boolean }>`
    select pg_try_advisory_xact_lock(hashtextextended('identifai verification', 0)) as "isFree"`.execute(trx)
  if (!rows[0]?.isFree) throw IN_PROGRESS
}

/** Throws in place of the next statement when the signal aborts. */
function stopAt(signal: AbortSignal): KyselyPlugin {
  return {
    transformQuery: ({ node }) => {
      signal.throwIfAborted()
      return node
    },
    transformResult: async ({ result }) => result,
  }
}
