import { setTimeout } from 'node:timers/promises'
import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { startSimulator } from '../../src/devkit/simulator/simulator.ts'
import { enqueue } from '../../src/pipeline/queue/enqueue.ts'
import { argumentEntries } from '../../src/pipeline/queue/input/read-arguments.ts'
import { median } from '../median.ts'
import { createBenchDatabase } from './databases.ts'
import { COMMAND } from './sync.ts'
import { runProcess } from './run-process.ts'

/** Half of the documented quota, which is configured. */
const ALLOWED_A_MINUTE = 30
const WINDOWS = [
  { requests: 1, windowMs: 1000 },
  { requests: ALLOWED_A_MINUTE, windowMs: 60_000 },
]
const MINUTES = 5

/** The requests of a run after its first minute, at an account whose real quota is half of the configured one. */
export interface HalfQuota {
  /** Share of the requests that got status 429. */
  readonly throttled: number
  /** Accepted requests, divided by those that the account allows in this time. */
  readonly used: number
}

/** Measures in real time; the rounds are at the same time, because they mostly wait. */
export async function measureHalfQuota(
  postgres: EmbeddedPostgres,
  { rounds }: { readonly rounds: number },
): Promise<HalfQuota> {
  const all = await Promise.all(Array.from({ length: rounds }, () => runAtHalfQuota(postgres)))
  console.log('half of the quota', all)
  return {
    throttled: median(all.map(({ throttled }) => throttled)),
    used: median(all.map(({ used }) => used)),
  }
}

async function runAtHalfQuota(postgres: EmbeddedPostgres): Promise<HalfQuota> {
  await using simulator = await startSimulator({
    apiKey: 'bench',
    world: { requestsUntilDone: 0 },
    quota: { kind: 'sliding', windows: WINDOWS },
  })
  await using database = await createBenchDatabase(postgres, 0)
  const identifiers = simulator.world.register({ count: ALLOWED_A_MINUTE * MINUTES })
  const origin = { media: 'audio', priority: 0, source: null }
  await enqueue(database.db, argumentEntries(identifiers), origin)
  const run = runProcess(COMMAND, ['sync', '--json'], {
    DATABASE_URL: database.url,
    IDENTIFAI_API_URL: simulator.apiUrl,
    IDENTIFAI_API_KEY: 'bench',
    SYNC_BATCH_SIZE: '1',
    LOG_LEVEL: 'silent',
  })
  await setTimeout(60_000)
  const [first, startedAt] = [{ ...simulator.stats }, performance.now()]
  await run
  const minutes = (performance.now() - startedAt) / 60_000
  const requests = simulator.stats.requests - first.requests
  const throttled = simulator.stats.throttled - first.throttled
  return { throttled: throttled / requests, used: (requests - throttled) / (ALLOWED_A_MINUTE * minutes) }
}
