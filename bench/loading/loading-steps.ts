import path from 'node:path'
import { sql } from 'kysely'
import { DATA_TABLES } from '../../src/media/registry.ts'
import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { copyRecords, copyRows } from './copy-floor.ts'
import { type BenchDatabase, createBenchDatabase, dropKeys, makeDue } from './databases.ts'
import type { DltPeer, DltSettings } from './dlt-peer.ts'
import type { PayloadServer } from './payload-server.ts'
import { runProcess } from './run-process.ts'
import { CONCURRENCY, runSync } from './sync.ts'

/** The seconds that each way takes in one round for the same identifiers. */
export interface Round {
  readonly sync: number
  readonly refresh: number
  /** Rows of the data tables that the refresh inserted, updated or deleted. */
  readonly refreshWrites: number
  readonly twoProcesses: number
  readonly copyOne: number
  readonly copyMany: number
  readonly copyBare: number
  /** COPY of the records into one jsonb column. */
  readonly copyRecords: number
  readonly kysely: number
  readonly long: number
  /** Absent without dlt. */
  readonly dlt?: number
  readonly dltDefaults?: number
}

/** The numbers of parallel streams of COPY. */
export const STREAMS = { one: 1, many: CONCURRENCY }

export interface StepOptions {
  readonly postgres: EmbeddedPostgres
  readonly identifiers: number
  readonly longIdentifiers: number
  /** The folder of the files that COPY reads. */
  readonly folder: string
  readonly short: PayloadServer
  readonly long: PayloadServer
  readonly dlt: DltPeer | undefined
}

/** The steps of a round, each in a database of its own. */
export function loadingSteps(options: StepOptions): readonly (() => Promise<Partial<Round>>)[] {
  const { postgres, identifiers, longIdentifiers, folder, short, long, dlt } = options
  const inFreshDatabase =
    <Result>(work: (database: BenchDatabase) => Promise<Result>, due = identifiers) =>
    async () => {
      await using database = await createBenchDatabase(postgres, due)
      return await work(database)
    }
  const copy = (database: BenchDatabase, streams: number) => copyRows(database, folder, streams)
  const addresses = ({ url }: BenchDatabase, api = short) => ({ databaseUrl: url, apiUrl: api.url })
  const byDlt = (peer: DltPeer, database: BenchDatabase, settings: DltSettings) =>
    peer.load({ ...addresses(database), settings })
  return [
    inFreshDatabase(async (database) => ({
      sync: (await runSync(addresses(database))).seconds,
      ...(await refresh(database, addresses(database), identifiers)),
    })),
    inFreshDatabase(async (database) => {
      const runs = await Promise.all([runSync(addresses(database)), runSync(addresses(database))])
      const startedAt = Math.min(...runs.map((run) => run.startedAt))
      const finishedAt = Math.max(...runs.map((run) => run.finishedAt))
      return { twoProcesses: (finishedAt - startedAt) / 1000 }
    }),
    inFreshDatabase(
      async (database) => ({ long: (await runSync(addresses(database, long))).seconds }),
      longIdentifiers,
    ),
    inFreshDatabase(async (database) => ({ copyOne: await copy(database, STREAMS.one) })),
    inFreshDatabase(async (database) => ({ copyMany: await copy(database, STREAMS.many) })),
    inFreshDatabase(async (database) => {
      await dropKeys(database)
      return { copyBare: await copy(database, STREAMS.one) }
    }),
    inFreshDatabase(async (database) => ({ copyRecords: await copyRecords(database, folder) }), 1),
    inFreshDatabase(async ({ url }) => ({ kysely: await byKysely(url, short.url) })),
    ...(dlt
      ? [
          inFreshDatabase(async (database) => ({ dlt: await byDlt(dlt, database, 'fastest') })),
          inFreshDatabase(async (database) => ({ dltDefaults: await byDlt(dlt, database, 'defaults') })),
        ]
      : []),
  ]
}

/** Seconds of a first load with the straightforward implementation, in a process of its own. */
async function byKysely(databaseUrl: string, apiUrl: string): Promise<number> {
  const script = path.join(import.meta.dirname, 'kysely-peer.ts')
  const environment = { DATABASE_URL: databaseUrl, API_URL: apiUrl }
  return Number((await runProcess(process.execPath, [script], environment)).stdout)
}

/** Refreshes all identifiers, as the next nightly run does when nothing has changed. */
async function refresh(
  database: BenchDatabase,
  addresses: { readonly databaseUrl: string; readonly apiUrl: string },
  identifiers: number,
) {
  await makeDue(database)
  const writesBefore = await countWrites(database)
  const { seconds, unchanged } = await runSync(addresses)
  if (unchanged !== identifiers) throw new Error(`Only ${unchanged} were unchanged.`)
  return { refresh: seconds, refreshWrites: (await countWrites(database)) - writesBefore }
}

/** Rows of the data tables written so far. The server counts them a moment after a session has ended. */
async function countWrites({ db }: BenchDatabase): Promise<number> {
  await sql`select pg_sleep(1.5)`.execute(db)
  const { rows } = await sql<{ writes: number }>`
    select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint as writes from pg_catalog.pg_stat_user_tables
    where schemaname = 'identifai' and relname = any(${[...DATA_TABLES]}::text[])`.execute(db)
  return rows[0]?.writes ?? Number.NaN
}
