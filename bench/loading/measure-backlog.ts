import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { claimCost } from './claim-cost.ts'
import { countCost } from './count-cost.ts'
import { createTemplate, type Template } from './databases.ts'
import { median, medianRatio } from '../median.ts'
import { startPayloadServer } from './payload-server.ts'
import { runSync } from './sync.ts'

/** What a small and a large backlog cost. */
export interface Backlog {
  readonly small: Cost
  readonly large: Cost
  /** A pass over the large one against one over the small one, in turns; the median. */
  readonly runRatio: number
}

interface Cost {
  readonly identifiers: number
  /** Median of a claim of a hundred. */
  readonly claimMs: number
  /** What the end of a pass takes for counting the ledger, and for that reading its pages alone. */
  readonly countSeconds: { readonly totals: number; readonly reading: number }
  /** Median of passes that ask for as many as the small backlog has. */
  readonly runSeconds: number
}

export const SMALL = 10_000

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

/** Seconds of a pass that asks for as many as the small backlog has, before which nothing was ever loaded. */
async function runOver(template: Template, apiUrl: string): Promise<number> {
  await using database = await template.copy()
  return (await runSync({ databaseUrl: database.url, apiUrl }, ['--limit', String(SMALL)])).seconds
}

async function partsOf(template: Template) {
  await using database = await template.copy()
  return { claimMs: await claimCost(database), countSeconds: await countCost(database) }
}
