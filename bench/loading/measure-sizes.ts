import { sql } from 'kysely'
import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { prunePayloads } from '../../src/compliance/history/prune-payloads.ts'
import { type BenchDatabase, createBenchDatabase, makeDue } from './databases.ts'
import { startPayloadServer } from './payload-server.ts'
import { runSync } from './sync.ts'

/** Gigabytes of each table, with its indexes, for a million classifications, from the largest to the smallest. */
export interface Sizes {
  readonly firstLoad: Readonly<Record<string, number>>
  /** After each content has changed once. */
  readonly changedOnce: Readonly<Record<string, number>>
  /** After `prune` has removed the payloads of superseded revisions, and the tables were rewritten. */
  readonly pruned: Readonly<Record<string, number>>
  /** Gigabytes of WAL that a million first loads write, and a million refreshes without a change. */
  readonly wal: { readonly firstLoad: number; readonly refresh: number }
}

const CLASSIFICATIONS = 10_000

export async function measureSizes(postgres: EmbeddedPostgres): Promise<Sizes> {
  using first = await startPayloadServer(8)
  using second = await startPayloadServer(8, 1)
  await using database = await createBenchDatabase(postgres, CLASSIFICATIONS)
  const load = () => runSync({ databaseUrl: database.url, apiUrl: first.url })
  const walOfFirstLoad = await walOf(database, load)
  await makeDue(database)
  const wal = { firstLoad: walOfFirstLoad, refresh: await walOf(database, load) }
  const firstLoad = await sizesOf(database)
  await makeDue(database)
  await runSync({ databaseUrl: database.url, apiUrl: second.url })
  const changedOnce = await sizesOf(database)
  const signal = new AbortController().signal
  await prunePayloads(database.db, { olderThanDays: 0, isDryRun: false, signal })
  const pruned = await sizesOf(database)
  console.log('sizes', { firstLoad, changedOnce, pruned, wal })
  return { firstLoad, changedOnce, pruned, wal }
}

function perMillion(bytes: number): number {
  return ((bytes / CLASSIFICATIONS) * 1e6) / 2 ** 30
}

/** Gigabytes of WAL that `work` writes for a million, without full-page images, which the bench switches off. */
async function walOf({ db }: BenchDatabase, work: () => Promise<unknown>): Promise<number> {
  const written = async () => {
    const { rows } = await sql<{ bytes: number }>`
      select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::double precision as bytes`.execute(db)
    return rows[0]?.bytes ?? Number.NaN
  }
  const before = await written()
  await work()
  return perMillion((await written()) - before)
}

/** Rewrites the tables first, because the space of dead rows depends on autovacuum. */
async function sizesOf({ db, pool }: BenchDatabase): Promise<Record<string, number>> {
  await pool.query('vacuum full')
  const { rows } = await sql<{ name: string; bytes: number }>`
    select c.relname as name, pg_total_relation_size(c.oid) as bytes from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'identifai' and c.relkind = 'r' order by 2 desc`.execute(db)
  const named = rows.map(({ name, bytes }) => [name, perMillion(bytes)] as const)
  return Object.fromEntries(named.filter(([, gigabytes]) => gigabytes >= 0.1))
}
