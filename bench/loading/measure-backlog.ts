import type { EmbeddedPostgres } from '../../src/embedded-postgres/start-embedded-postgres.ts'
import { claimCost } from './claim-cost.ts'
import { createBenchDatabase } from './databases.ts'
import { median } from './median.ts'
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
  /** Median of passes that ask for a part of it. */
  readonly passSeconds: number
}

const SMALL = 10_000

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

/** A pass asks for a thousand, each time others, so that even the small backlog has enough for all rounds. */
async function costOf(
  postgres: EmbeddedPostgres,
  { backlog, rounds }: { readonly backlog: number; readonly rounds: number },
): Promise<Cost> {
  using api = await startPayloadServer(8)
  await using database = await createBenchDatabase(postgres, backlog)
  const claimMs = await claimCost(database)
  const passes = []
  for (let round = 0; round < rounds; round++) {
    const addresses = { databaseUrl: database.url, apiUrl: api.url }
    passes.push((await runSync(addresses, ['--limit', String(Math.floor(SMALL / rounds))])).seconds)
  }
  return { identifiers: backlog, claimMs, passSeconds: median(passes) }
}
