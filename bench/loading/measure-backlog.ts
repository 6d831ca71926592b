import type { EmbeddedPostgres } from '../../src/embedded-postgres/start-embedded-postgres.ts'
import { claimCost } from './claim-cost.ts'
import { countCost } from './count-cost.ts'
import { type BenchDatabase, createBenchDatabase } from './databases.ts'
import { median } from '../median.ts'
import { startPayloadServer } from './payload-server.ts'
import { runSync } from './sync.ts'

/** What a small and a large backlog cost. */
export interface Backlog {
  readonly small: Cost
  readonly large: Cost
}

interface Cost {
  readonly identifiers: number
  /** Median of a claim of a hundred. */
  readonly claimMs: number
  /** What the end of a pass takes for counting the ledger, and for that reading its pages alone. */
  readonly countSeconds: { readonly totals: number; readonly reading: number }
  /** Median of passes that ask for as many as the small backlog has. */
  readonly passSeconds: number
}

export const SMALL = 10_000

export async function measureBacklog(
  postgres: EmbeddedPostgres,
  options: { readonly backlog: number; readonly identifiers: number; readonly rounds: number },
): Promise<Backlog> {
  const backlog = {
    small: await costOf(postgres, { ...options, backlog: SMALL }),
    large: await costOf(postgres, options),
  }
  console.log('backlog', backlog)
  return backlog
}

/** Each pass asks for as many as the small backlog has: of the large one for others each time, of the small one for all. */
async function costOf(
  postgres: EmbeddedPostgres,
  { backlog, rounds }: { readonly backlog: number; readonly rounds: number },
): Promise<Cost> {
  using api = await startPayloadServer(8)
  await using database = await createBenchDatabase(postgres, backlog)
  const claimMs = await claimCost(database)
  const countSeconds = await countCost(database)
  const passes = [await passOver(database, api.url)]
  for (let round = 1; round < rounds; round++) {
    await using another = backlog === SMALL ? await createBenchDatabase(postgres, SMALL) : undefined
    passes.push(await passOver(another ?? database, api.url))
  }
  return { identifiers: backlog, claimMs, countSeconds, passSeconds: median(passes) }
}

async function passOver({ url }: BenchDatabase, apiUrl: string): Promise<number> {
  return (await runSync({ databaseUrl: url, apiUrl }, ['--limit', String(SMALL)])).seconds
}
