import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { ClaimCursor } from '../../src/pipeline/queue/claim-cursor.ts'
import { LOWEST_PRIORITY } from '../../src/pipeline/queue/priority.ts'
import { newRun, openRun } from '../../src/pipeline/run/run-rows.ts'
import { readTrackedTotals } from '../../src/pipeline/run/tracked-totals.ts'
import { median, medianRatio } from '../median.ts'
import { type BenchDatabase, createTemplate, type Template } from './databases.ts'
import { startPayloadServer } from './payload-server.ts'
import { runSync } from './sync.ts'

/** The costs of a small and of a large backlog. */
export interface Backlog {
  readonly small: Cost
  readonly large: Cost
  /** The time of a run over the large backlog, divided by that over the small one; the median of all rounds. */
  readonly runRatio: number
}

interface Cost {
  readonly identifiers: number
  /** Median of a claim of 100. */
  readonly claimMs: number
  /** Medians of the count of tracked identifiers at the end of a run, and of reading the pages of the table alone. */
  readonly countSeconds: { readonly totals: number; readonly reading: number }
  /** Median of runs that request as many identifiers as the small backlog has. */
  readonly runSeconds: number
}

export const SMALL = 10_000
const [CLAIMS, COUNTS] = [50, 5]

export async function measureBacklog(
  postgres: EmbeddedPostgres,
  { backlog, rounds }: { readonly backlog: number; readonly rounds: number },
): Promise<Backlog> {
  using api = await startPayloadServer(8)
  await using few = await createTemplate(postgres, SMALL)
  await using many = await createTemplate(postgres, backlog)
  const runs: { readonly small: number[]; readonly large: number[] } = { small: [], large: [] }
  for (let round = 1; round <= rounds; round++) {
    runs.small.push(await runOver(few, api.url))
    runs.large.push(await runOver(many, api.url))
  }
  const measured = {
    small: { identifiers: SMALL, ...(await partsOf(few)), runSeconds: median(runs.small) },
    large: { identifiers: backlog, ...(await partsOf(many)), runSeconds: median(runs.large) },
    runRatio: medianRatio(runs.large, runs.small),
  }
  console.log('backlog', measured)
  return measured
}

/** Seconds of a first run that requests as many identifiers as the small backlog has. */
async function runOver(template: Template, apiUrl: string): Promise<number> {
  await using database = await template.copy()
  return (await runSync({ databaseUrl: database.url, apiUrl }, ['--limit', String(SMALL)])).seconds
}

async function partsOf(template: Template) {
  await using database = await template.copy()
  return { claimMs: await claimCost(database), countSeconds: await countCost(database) }
}

/** Milliseconds of a claim of 100, the median of 50. Releases all claims afterwards. */
async function claimCost({ db, pool }: BenchDatabase): Promise<number> {
  const run = newRun('manual')
  await openRun(db, run)
  const cursor = new ClaimCursor(db, {
    media: 'audio',
    leastPriority: LOWEST_PRIORITY,
    runId: run.runId,
    leaseSeconds: 120,
    clock: () => performance.now(),
  })
  const times = []
  for (let claim = 0; claim < CLAIMS; claim++) {
    const startedAt = performance.now()
    const claims = await cursor.next(100)
    times.push(performance.now() - startedAt)
    if (claims.length < 100) throw new Error(`Only ${claims.length} were claimed.`)
  }
  await sql`update identifai.identifiers set lease_until = null, leased_by = null where leased_by is not null`.execute(
    db,
  )
  await sql`delete from identifai.sync_runs`.execute(db)
  await pool.query('vacuum analyze identifai.identifiers')
  return median(times)
}

async function countCost({ db }: BenchDatabase): Promise<Cost['countSeconds']> {
  const [totals, reading]: [number[], number[]] = [[], []]
  for (let count = 0; count < COUNTS; count++) {
    totals.push(await secondsOf(() => readTrackedTotals(db, randomUUID())))
    reading.push(await secondsOf(() => sql`select count(claim_no) from identifai.identifiers`.execute(db)))
  }
  return { totals: median(totals), reading: median(reading) }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}
