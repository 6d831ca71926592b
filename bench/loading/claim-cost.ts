import { sql } from 'kysely'
import { claimDue } from '../../src/pipeline/queue/claim.ts'
import { newRun, openRun } from '../../src/pipeline/run/run-rows.ts'
import type { BenchDatabase } from './databases.ts'
import { median } from '../median.ts'

const CLAIMS = 50

/** Milliseconds of a claim of a hundred, the median of fifty; they are given back. */
export async function claimCost({ db }: BenchDatabase): Promise<number> {
  const run = newRun('manual')
  await openRun(db, run)
  const times = []
  for (let claim = 0; claim < CLAIMS; claim++) {
    const startedAt = performance.now()
    const claims = await claimDue(db, {
      media: 'audio',
      leastPriority: -32_768,
      runId: run.runId,
      limitedToo: false,
      limit: 100,
      leaseSeconds: 120,
    })
    times.push(performance.now() - startedAt)
    if (claims.length < 100) throw new Error(`Only ${claims.length} were claimed.`)
  }
  await sql`update identifai.identifiers set lease_until = null, leased_by = null where leased_by is not null`.execute(
    db,
  )
  await sql`delete from identifai.sync_runs`.execute(db)
  await sql`vacuum analyze identifai.identifiers`.execute(db)
  return median(times)
}
