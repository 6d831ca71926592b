import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { assertMigrated } from '../../platform/postgres/migrate.ts'
import { readLastSuccess } from './last-runs.ts'

/** Shorter than the usual timeout of a probe, so that the probe still receives the reason. */
const TIMEOUT_MS = 3000

/** The state of the daemon. The keys are those of `/readyz`. */
export interface Readiness {
  readonly ready: boolean
  /** One sentence per problem; empty when the daemon is ready. */
  readonly problems: readonly string[]
  /** End of the last successful run, as last read; null before the first, or before the first reading. */
  readonly last_success_at: Date | null
}

interface ReadinessOptions {
  readonly db: () => Kysely<Database>
  readonly startedAt: Date
  readonly maxAgeHours: number
  readonly isDraining: () => boolean
}

/** Creates a check that queries the database on each call. While that fails, the last success is the former one. */
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

/** Before the first success the daemon's start counts, because a new installation is not late. */
function tooOld(lastSuccess: Date | null, { startedAt, maxAgeHours }: ReadinessOptions): string[] {
  const hours = (Date.now() - Number(lastSuccess ?? startedAt)) / 3_600_000
  return hours > maxAgeHours ? [`no run has succeeded in the last ${maxAgeHours} hours`] : []
}

function withinTimeout<T>(work: Promise<T>): Promise<T> {
  const timeout = sleep(TIMEOUT_MS, undefined, { ref: false }).then(() => {
    throw new Error(`no response within ${TIMEOUT_MS / 1000} seconds`)
  })
  return Promise.race([work, timeout])
}
