/**
 * Compares one server with a coordinator and workers: a first load, a refresh, a verification, the reporting views, a report,
 * and what each node stores. Both are databases of the cluster that TEST_CITUS_URL leads to; one of them is distributed.
 *
 * TEST_CITUS_URL=postgresql://… npm run bench:citus [-- --identifiers 10000 --rounds 3 --classifications 200000]
 */
import { parseArgs } from 'node:util'
import { type Kysely, sql } from 'kysely'
import { readReport } from '../src/compliance/report/read/read-report.ts'
import { verifyDatabase } from '../src/compliance/verify/verify-database.ts'
import { move } from '../src/operations/distribution/distribute.ts'
import { connect } from '../src/platform/postgres/connect.ts'
import type { Database } from '../src/platform/postgres/database.ts'
import { migrateUp } from '../src/platform/postgres/migrate.ts'
import { createClusterDatabase, dropClusterDatabase, readWorkers } from '../test/support/citus-cluster.ts'
import { databaseOn } from '../test/support/database-on.ts'
import { startPayloadServer } from './loading/payload-server.ts'
import { runSync } from './loading/sync.ts'
import { median, medianRatio } from './median.ts'
import { seedHistory } from './seed-history.ts'
import { measureViews } from './views/measure-views.ts'
import { openSeeded } from './views/open-seeded.ts'

const { values } = parseArgs({
  options: {
    identifiers: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    classifications: { type: 'string', default: '200000' },
  },
})
const coordinator = process.env.TEST_CITUS_URL
if (!coordinator) throw new Error('Set TEST_CITUS_URL to the coordinator of a Citus cluster, as a superuser.')
const workers = await readWorkers(coordinator)
const nodes = [coordinator, ...workers]

const PLACES = ['one server', 'cluster'] as const
type Place = (typeof PLACES)[number]

await measureLoading(Number(values.identifiers), Number(values.rounds))
await measureViewsOf(Number(values.classifications))
await measureReport(Number(values.classifications))

/** Seconds of a first load, of a refresh without changes, and of a verification of all tables; the places take turns. */
async function measureLoading(identifiers: number, rounds: number): Promise<void> {
  using api = await startPayloadServer(8)
  const times = { 'one server': noTimes(), cluster: noTimes() }
  for (let round = 0; round < rounds; round++) {
    for (const place of round % 2 === 0 ? PLACES : PLACES.toReversed()) {
      await inDatabase(place, async (url, db) => {
        await sql`insert into identifai.identifiers (identifier)
          select encode(sha256(n::text::bytea), 'hex') from generate_series(1, ${identifiers}::integer) as n`.execute(
          db,
        )
        const addresses = { databaseUrl: url, apiUrl: api.url }
        times[place].load.push((await runSync(addresses)).seconds)
        await sql`update identifai.identifiers set due_at = now() where due_at is not null`.execute(db)
        times[place].refresh.push((await runSync(addresses)).seconds)
        times[place].verify.push(await secondsOf(() => verifyDatabase(db, { tables: true })))
      })
    }
  }
  for (const what of ['load', 'refresh', 'verify'] as const) {
    const [single, cluster] = [times['one server'][what], times.cluster[what]]
    console.log(
      `${what}: ${identifiers} identifiers, one server ${median(single).toFixed(1)} s, cluster ${median(cluster).toFixed(1)} s, ratio ${medianRatio(cluster, single).toFixed(2)}`,
    )
  }
}

function noTimes() {
  return { load: [] as number[], refresh: [] as number[], verify: [] as number[] }
}

/** The views over the same seeded rows, first on one server, and then distributed. */
async function measureViewsOf(classifications: number): Promise<void> {
  await inDatabase('one server', async (url) => {
    await using seeded = await openSeeded(url, classifications)
    const { db } = seeded
    const single = await viewTimes(db)
    console.log(`distribute: ${(await secondsOf(() => move(db, 'workers'))).toFixed(1)} s`)
    await analyze(url)
    const cluster = await viewTimes(db)
    for (const [name, milliseconds] of single) print(name, milliseconds, cluster.get(name) ?? Number.NaN)
    await printSizes(new URL(url).pathname.slice(1))
  })
}

async function viewTimes(db: Kysely<Database>): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>()
  for await (const { view, what, milliseconds } of measureViews(db))
    times.set(`${view}, ${what}`, milliseconds)
  return times
}

/** A report over five revisions of each classification, in the same way. */
async function measureReport(classifications: number): Promise<void> {
  await inDatabase('one server', async (url, db) => {
    await seedHistory(db, { classifications, revisionsEach: 5, events: 5000, nightlyTimes: 300 })
    await analyze(url)
    const report = () =>
      readReport(db, { media: 'audio', from: '2026-02-01T00:00:00Z', to: '2026-05-01T00:00:00Z', asOf: null })
    const single = await secondsOf(report)
    await move(db, 'workers')
    await analyze(url)
    print('report of a quarter', single * 1000, (await secondsOf(report)) * 1000)
  })
}

function print(name: string, single: number, cluster: number): void {
  const [one, other] = [single, cluster].map((milliseconds) => milliseconds.toFixed(0).padStart(7))
  console.log(`${name.padEnd(60)} ${one} ms ${other} ms, ratio ${(cluster / single).toFixed(2)}`)
}

async function analyze(url: string): Promise<void> {
  const { pool, db } = connect({ connectionString: url, maxConnections: 1 })
  await pool.query('vacuum analyze')
  await db.destroy()
}

async function printSizes(name: string): Promise<void> {
  for (const [number, node] of nodes.entries()) {
    const { db } = connect({ connectionString: databaseOn(node, name), maxConnections: 1 })
    const { rows } = await sql<{ bytes: number }>`
      select pg_database_size(current_database()) as bytes`.execute(db)
    await db.destroy()
    console.log(
      `${number === 0 ? 'coordinator' : `worker ${number}`}: ${Math.round((rows[0]?.bytes ?? 0) / 1e6)} MB`,
    )
  }
}

async function inDatabase(
  place: Place,
  work: (url: string, db: Kysely<Database>) => Promise<void>,
): Promise<void> {
  const name = 'identifai_bench'
  const url = await createClusterDatabase(coordinator as string, workers, name)
  const { db } = connect({ connectionString: url, maxConnections: 1 })
  try {
    await migrateUp(db)
    if (place === 'cluster') await move(db, 'workers')
    await work(url, db)
  } finally {
    await db.destroy()
    await dropClusterDatabase(nodes, name)
  }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}
