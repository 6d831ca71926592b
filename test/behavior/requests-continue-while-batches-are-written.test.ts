import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { startCannedApi } from '../support/canned-api.ts'
import { createTestApp } from '../support/test-app.ts'

const CONCURRENCY = 3

it('a run sends requests while it writes earlier batches, and holds at most SYNC_CONCURRENCY batches', async () => {
  await using api = await startCannedApi((identifiers) =>
    identifiers.map((identifier) => ({ identifier, status: 'done' })),
  )
  await using bench = await createTestApp({
    environment: { IDENTIFAI_API_URL: api.url, SYNC_CONCURRENCY: String(CONCURRENCY) },
  })
  await bench.enqueue(Array.from({ length: 1000 }, (_, n) => `id-${n}`))
  const countWaitingWriters = async () => {
    const { rows } = await sql`
      select from pg_catalog.pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like 'copy %'`.execute(
      bench.database.db,
    )
    return rows.length
  }
  const locked = await bench.database.db.transaction().execute(async (trx) => {
    await sql`lock table identifai.classifications in share mode`.execute(trx)
    const running = bench.run()
    while ((await countWaitingWriters()) < CONCURRENCY) await sleep(20)
    // None of these batches has been written, and the run requests no more, because this is the number that it may hold.
    expect(api.requests).toHaveLength(CONCURRENCY)
    return { running }
  })
  expect(await locked.running).toMatchObject({ status: 'succeeded', requests: 10, done: 1000 })
})
