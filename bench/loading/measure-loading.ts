import { sql } from 'kysely'
import { DATA_TABLES } from '../../src/db/data-tables.ts'
import type { EmbeddedPostgres } from '../../src/embedded-postgres/start-embedded-postgres.ts'
import { copyRows, saveRows } from './copy-floor.ts'
import { type BenchDatabase, createBenchDatabase, dropKeys, makeDue } from './databases.ts'
import { installDlt } from './dlt-peer.ts'
import { runKyselyPeer } from './kysely.ts'
import { median } from '../median.ts'
import { startPayloadServer } from './payload-server.ts'
import { CONCURRENCY, runSync } from './sync.ts'

/** Seconds of each, round by round, for the same identifiers. */
interface Rounds {
  readonly sync: number[]
  readonly refresh: number[]
  readonly twoProcesses: number[]
  readonly copyOne: number[]
  readonly copyBinary: number[]
  readonly copyMany: number[]
  readonly copyBare: number[]
  readonly kysely: number[]
  readonly dlt: number[]
  readonly dltDefaults: number[]
  readonly long: number[]
}

export interface Loading {
  readonly medians: Readonly<Record<keyof Rounds, number>>
  /** Of each round the one divided by the other, and the median of that. */
  readonly ratio: (slower: keyof Rounds, faster: keyof Rounds) => number
  readonly rowsEach: number
  readonly rowsEachLong: number
  readonly longIdentifiers: number
  readonly dltVersion: string | null
  /** Rows of the data tables that were written, changed or removed by the refreshes. */
  readonly refreshWrites: number
}

export interface LoadingOptions {
  readonly identifiers: number
  readonly rounds: number
  /** For the rows that COPY reads. */
  readonly folder: string
}

const CLIPS = { short: 8, long: 60 }

const COPY = {
  one: { streams: 1, format: 'text' },
  binary: { streams: 1, format: 'binary' },
  many: { streams: CONCURRENCY, format: 'text' },
} as const

/** So many fewer identifiers with 60 clips: about as many rows. */
const LONG_SHARE = 6

/** Each takes its turn in every round, so that what else the machine does hits all of them alike. */
export async function measureLoading(
  postgres: EmbeddedPostgres,
  { identifiers, rounds, folder }: LoadingOptions,
): Promise<Loading> {
  using short = await startPayloadServer(CLIPS.short)
  using long = await startPayloadServer(CLIPS.long)
  const dlt = await installDlt()
  const seconds: Rounds = {
    sync: [],
    refresh: [],
    twoProcesses: [],
    copyOne: [],
    copyBinary: [],
    copyMany: [],
    copyBare: [],
    kysely: [],
    dlt: [],
    dltDefaults: [],
    long: [],
  }
  let [rowsEach, rowsEachLong, refreshWrites] = [0, 0, 0]
  const longIdentifiers = Math.ceil(identifiers / LONG_SHARE)
  const fresh = () => createBenchDatabase(postgres, identifiers)
  for (let round = 1; round <= rounds; round++) {
    {
      await using database = await fresh()
      const addresses = { databaseUrl: database.url, apiUrl: short.url }
      const first = await runSync(addresses)
      seconds.sync.push(first.seconds)
      rowsEach = (await countRows(database)) / identifiers
      if (round === 1) for (const way of Object.values(COPY)) await saveRows(database, folder, way)
      await makeDue(database)
      const writesBefore = await countWrites(database)
      const again = await runSync(addresses)
      if (again.unchanged !== identifiers) throw new Error(`Only ${again.unchanged} were unchanged.`)
      seconds.refresh.push(again.seconds)
      refreshWrites += (await countWrites(database)) - writesBefore
    }
    for (const [way, times] of [
      [COPY.one, seconds.copyOne],
      [COPY.binary, seconds.copyBinary],
      [COPY.many, seconds.copyMany],
    ] as const) {
      await using database = await fresh()
      times.push(await copyRows(database, folder, way))
    }
    {
      await using database = await fresh()
      await dropKeys(database)
      seconds.copyBare.push(await copyRows(database, folder, COPY.one))
    }
    {
      await using database = await fresh()
      const addresses = { databaseUrl: database.url, apiUrl: short.url }
      const passes = await Promise.all([runSync(addresses), runSync(addresses)])
      const [startedAt, finishedAt] = [
        Math.min(...passes.map((pass) => pass.startedAt)),
        Math.max(...passes.map((pass) => pass.finishedAt)),
      ]
      seconds.twoProcesses.push((finishedAt - startedAt) / 1000)
    }
    {
      await using database = await fresh()
      seconds.kysely.push(await runKyselyPeer(database.url, short.url))
    }
    if (dlt) {
      for (const [settings, times] of [
        ['fastest', seconds.dlt],
        ['defaults', seconds.dltDefaults],
      ] as const) {
        await using database = await fresh()
        times.push(await dlt.load({ databaseUrl: database.url, apiUrl: short.url, settings }))
      }
    }
    {
      await using database = await createBenchDatabase(postgres, longIdentifiers)
      const pass = await runSync({ databaseUrl: database.url, apiUrl: long.url })
      seconds.long.push(pass.seconds)
      rowsEachLong = (await countRows(database)) / longIdentifiers
    }
    const told = Object.entries(seconds).map(([name, times]) => `${name} ${times.at(-1)?.toFixed(2)}`)
    console.log(`round ${round}, seconds: ${told.join(', ')}`)
  }
  return {
    medians: Object.fromEntries(
      Object.entries(seconds).map(([name, times]) => [name, median(times)]),
    ) as Loading['medians'],
    ratio: (slower, faster) =>
      median(seconds[slower].map((time, round) => time / (seconds[faster][round] ?? Number.NaN))),
    rowsEach,
    rowsEachLong,
    longIdentifiers,
    dltVersion: dlt?.version ?? null,
    refreshWrites,
  }
}

async function countRows({ db }: BenchDatabase): Promise<number> {
  let rows = 0
  for (const table of DATA_TABLES) {
    const { rows: counted } = await sql<{ count: number }>`
      select count(*) as count from ${sql.table(`identifai.${table}`)}`.execute(db)
    rows += counted[0]?.count ?? 0
  }
  return rows
}

/** Rows of the data tables written so far, as the server counts them; it tells a moment after a session has ended. */
async function countWrites({ db }: BenchDatabase): Promise<number> {
  await sql`select pg_sleep(1.5)`.execute(db)
  const { rows } = await sql<{ writes: number }>`
    select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint as writes from pg_catalog.pg_stat_user_tables
    where schemaname = 'identifai' and relname = any(${[...DATA_TABLES]}::text[])`.execute(db)
  return rows[0]?.writes ?? Number.NaN
}
