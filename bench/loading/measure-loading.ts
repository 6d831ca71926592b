import { sql } from 'kysely'
import { DATA_TABLES } from '../../src/media/registry.ts'
import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { createDraw } from '../../src/devkit/simulator/draw.ts'
import { median, medianRatio } from '../median.ts'
import { saveRecords, saveRows } from './copy-floor.ts'
import { type BenchDatabase, createBenchDatabase } from './databases.ts'
import { installDlt } from './dlt-peer.ts'
import { loadingSteps, type Round, STREAMS } from './loading-steps.ts'
import { startPayloadServer } from './payload-server.ts'
import { runSync } from './sync.ts'

export interface Loading {
  readonly medianOf: (way: keyof Round) => number
  readonly ratio: (slower: keyof Round, faster: keyof Round) => number
  readonly rowsEach: number
  readonly rowsEachLong: number
  readonly identifiers: number
  readonly longIdentifiers: number
  readonly dltVersion: string | null
  /** Rows of the data tables that the refreshes inserted, updated or deleted. */
  readonly refreshWrites: number
}

export interface LoadingOptions {
  readonly identifiers: number
  readonly rounds: number
  /** The folder for the files that COPY reads. */
  readonly folder: string
}

const CLIPS = { short: 8, long: 60 }

/** Identifiers with 60 clips are fewer by this factor, so that the rows are about as many. */
const LONG_SHARE = 6

/**
 * Measures all ways in every round, so that other load on the machine affects all of them alike. The order differs from
 * round to round, because the step before has an effect: memory that was just freed is allocated faster.
 */
export async function measureLoading(
  postgres: EmbeddedPostgres,
  { identifiers, rounds: count, folder }: LoadingOptions,
): Promise<Loading> {
  using short = await startPayloadServer(CLIPS.short)
  using long = await startPayloadServer(CLIPS.long)
  const dlt = await installDlt()
  const longIdentifiers = Math.ceil(identifiers / LONG_SHARE)
  const warmUp = async (
    due: number,
    apiUrl: string,
    inspect?: (database: BenchDatabase) => Promise<void>,
  ) => {
    await using database = await createBenchDatabase(postgres, due)
    await runSync({ databaseUrl: database.url, apiUrl })
    await inspect?.(database)
    return (await countRows(database)) / due
  }
  const rowsEach = await warmUp(identifiers, short.url, async (database) => {
    for (const streams of Object.values(STREAMS)) await saveRows(database, folder, streams)
    await saveRecords(database, folder)
  })
  const rowsEachLong = await warmUp(longIdentifiers, long.url)
  const steps = loadingSteps({ postgres, identifiers, longIdentifiers, folder, short, long, dlt })
  const rounds: Round[] = []
  for (let number = 1; number <= count; number++) {
    const round = {}
    for (const step of createDraw('bench', number).shuffle(steps)) Object.assign(round, await step())
    rounds.push(round as Round)
    console.log(`round ${number}`, round)
  }
  const all = (way: keyof Round) => rounds.map((round) => round[way] ?? Number.NaN)
  return {
    medianOf: (way) => median(all(way)),
    ratio: (slower, faster) => medianRatio(all(slower), all(faster)),
    rowsEach,
    rowsEachLong,
    identifiers,
    longIdentifiers,
    dltVersion: dlt?.version ?? null,
    refreshWrites: all('refreshWrites').reduce((total, writes) => total + writes, 0),
  }
}

async function countRows({ db }: BenchDatabase): Promise<number> {
  let rows = 0
  for (const { name } of DATA_TABLES) {
    const { rows: counted } = await sql<{ count: number }>`
      select count(*) as count from ${sql.table(`identifai.${name}`)}`.execute(db)
    rows += counted[0]?.count ?? 0
  }
  return rows
}
