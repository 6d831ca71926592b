import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createTestCli } from '../support/test-cli.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { type RunningDaemon, startDaemon } from '../support/running-daemon.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

const RUNS = 500
/** After this many runs, everything that is loaded once is loaded. */
const WARM_AFTER = 100

/** The memory that the allocator keeps grows for some hundred runs, and levels off below this. */
const MOST_RESIDENT_BYTES = 350e6

it('nothing grows over five hundred runs: memory, handles, connections, files', async () => {
  using cli = createTestCli()
  await using own = await createTestDatabase()
  await using api = await startCannedApi((identifiers) =>
    identifiers.map((identifier) => ({ identifier, status: 'done' })),
  )
  await using daemon = await startDaemon(cli, {
    DATABASE_URL: own.url,
    IDENTIFAI_API_URL: api.url,
    IDENTIFAI_API_KEY: 'key',
    LOG_LEVEL: 'info',
  })
  let rounds = 0
  const runs = async () => (await daemon.metric(SUCCEEDED)) ?? 0
  const until = async (count: number) => {
    while ((await runs()) < count) {
      // One insert in two seconds, so that every other run has work.
      await sql`insert into identifai.identifiers (identifier) select 'id-' || ${rounds}::text || '-' || n
        from generate_series(1, 20) as n`.execute(own.db)
      rounds++
      await sleep(2000)
    }
    return sizesOf(daemon, own.db)
  }
  const before = await until(WARM_AFTER)
  const after = await until(RUNS)
  console.log({ before, after })
  expect(after.heap).toBeLessThan(before.heap * 1.25 + 5e6)
  expect(after.resident).toBeLessThan(MOST_RESIDENT_BYTES)
  expect(after.handles).toBeLessThanOrEqual(before.handles + 3)
  expect(after.files).toBeLessThanOrEqual(before.files + 3)
  expect(after.connections).toBeLessThanOrEqual(before.connections + 2)
  // A warning of Node, for example about too many listeners, is not JSON and fails the test.
  expect(daemon.log.filter(({ level }) => level !== 'info')).toEqual([])
  const { rows } = await sql`select count(*)::integer as n from identifai.classifications`.execute(own.db)
  expect(rows).toEqual([{ n: rounds * 20 }])
})

const SUCCEEDED = 'identifai_sync_runs_total{trigger="fresh",status="succeeded"}'

interface Sizes {
  readonly heap: number
  readonly resident: number
  readonly handles: number
  readonly files: number
  readonly connections: number
}

async function sizesOf(daemon: RunningDaemon, db: TestDatabase['db']): Promise<Sizes> {
  // The lowest of some measurements, because memory that waits for the garbage collector is not growth.
  const measured: Sizes[] = []
  for (let count = 0; count < 20; count++) {
    const metric = async (name: string) => (await daemon.metric(name)) ?? 0
    measured.push({
      heap: await metric('nodejs_heap_size_used_bytes'),
      resident: await metric('process_resident_memory_bytes'),
      handles: await metric('nodejs_active_handles_total'),
      files: await metric('process_open_fds'),
      connections: await connectionsOf(db),
    })
    await sleep(500)
  }
  const least = (name: keyof Sizes) => Math.min(...measured.map((sizes) => sizes[name]))
  return {
    heap: least('heap'),
    resident: least('resident'),
    handles: least('handles'),
    files: least('files'),
    connections: least('connections'),
  }
}

async function connectionsOf(db: TestDatabase['db']): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    select count(*)::integer as n from pg_stat_activity where datname = current_database()`.execute(db)
  return rows[0]?.n ?? 0
}
