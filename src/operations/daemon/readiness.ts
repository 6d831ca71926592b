import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { assertMigrated } from '../../platform/postgres/migrate.ts'
import { readLastSuccess } from './last-success.ts'

/** Whoever probes gives up soon after. */
const TIMEOUT_MS = 3000

/** Whether the daemon does its work, and what keeps it from it. The keys are those of `/readyz`. */
export interface Readiness {
  readonly ready: boolean
  /** What is wrong, in words; empty when it is ready. */
  readonly problems: readonly string[]
  /**
   * When the last pass ended that asked for all that was due, as far as the database has told; null before the first, or
   * when it has told nothing yet.
   */
  readonly last_success_at: Date | null
}

export interface ReadinessOptions {
  readonly db: () => Kysely<Database>
  readonly startedAt: Date
  readonly maxAgeHours: number
  readonly isDraining: () => boolean
}

/** Looks at the database each time; while that is away, the last success is the one it told of before. */
export function createReadiness(options: ReadinessOptions): () => Promise<Readiness> {
  let lastSuccess: Date | null = null
  return async () => {
    const problems = options.isDraining() ? ['it is stopping'] : []
    try {
      lastSuccess = await withinTimeout(readDatabase(options.db()))
      problems.push(...tooOld(lastSuccess, options))
    } catch (error) {
      problems.push(`database: ${(error as Error).message}`)
    }
    return { ready: problems.length === 0, problems, last_success_at: lastSuccess }
  }
}

async function readDatabase(db: Kysely<Database>): Promise<Date | null> {
  await assertMigrated(db)
  return readLastSuccess(db)
}

/** Before the first success the daemon's start counts: a new installation is not late. */
function tooOld(lastSuccess: Date | null, { startedAt, maxAgeHours }: ReadinessOptions): string[] {
  const hours = (Date.now() - Number(lastSuccess ?? startedAt)) / 3_600_000
  if (hours <= maxAgeHours) return []
  const what = lastSuccess
    ? `the last successful pass ended at ${lastSuccess.toISOString()}`
    : `no pass has succeeded since the start at ${startedAt.toISOString()}`
  return [`${what}, more than ${maxAgeHours} hours ago`]
}

async function withinTimeout<T>(work: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const tooLate = sleep(TIMEOUT_MS, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`no answer within ${TIMEOUT_MS / 1000} seconds`)
  })
  try {
    return await Promise.race([work, tooLate])
  } finally {
    stop.abort()
    tooLate.catch(() => {})
    work.catch(() => {})
  }
}
