import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { startCannedApi } from '../support/canned-api.ts'
import { createTestApp } from '../support/test-app.ts'

const CONCURRENCY = 3

it('more is asked for while earlier answers are being written, as much at once as SYNC_CONCURRENCY says', async () => {
  await using api = await startCannedApi((identifiers) =>
    identifiers.map((identifier) => ({ identifier, status: 'done' })),
  )
  await using bench = await createTestApp({
    environment: { IDENTIFAI_API_URL: api.url, SYNC_CONCURRENCY: String(CONCURRENCY) },
  })
  await bench.enqueue(Array.from({ length: 1000 }, (_, n) => `id-${n}`))
  const writersThatWait = async () => {
    const { rows } = await sql`
      select from pg_catalog.pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like 'copy %'`.execute(
      bench.database.db,
    )
    return rows.length
  }
  const passed = await bench.database.db.transaction().execute(async (trx) => {
    await sql`lock table identifai.classifications in share mode`.execute(trx)
    const passing = bench.run()
    while ((await writersThatWait()) < CONCURRENCY) await sleep(20)
    // None of these has been written, and nothing is asked for beyond them: they are what memory holds.
    expect(api.requests).toHaveLength(CONCURRENCY)
    return { passing }
  })
  expect(await passed.passing).toMatchObject({ status: 'succeeded', requests: 10, done: 1000 })
})
