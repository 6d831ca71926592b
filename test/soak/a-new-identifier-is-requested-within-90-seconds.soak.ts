import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createDraw } from '../../src/devkit/simulator/draw.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { seedFinished } from '../support/seed-finished.ts'
import { createTestApp } from '../support/test-app.ts'
import { TEST_SEED } from '../support/test-seed.ts'

const MINUTE = 60_000

it('a new identifier is requested within 90 s during a nightly run of 100,000 at the documented quota', async () => {
  const draw = createDraw('fresh', TEST_SEED)
  await using api = await startCannedApi((identifiers) =>
    identifiers.map((identifier) => ({ identifier, status: 'done' })),
  )
  const environment = {
    IDENTIFAI_API_URL: api.url,
    SYNC_REQUESTS_PER_SECOND: '2',
    SYNC_REQUESTS_PER_MINUTE: '60',
  }
  await using bench = await createTestApp({ environment })
  await seedFinished(bench.app.db, 100_000)
  const stop = new AbortController()
  const nightlyRun = executeRun(bench.app, { trigger: 'nightly', signal: stop.signal })
  const inserting = (async () => {
    for (let count = 1; count <= 20; count++) {
      await sleep(draw.integer(0, 12_000))
      await bench.app.db
        .insertInto('identifai.identifiers')
        .values({ identifier: `new-${count}` })
        .execute()
    }
  })()
  for (let minute = 0; minute < 4; minute++) {
    await Promise.all([executeRun(bench.app, { trigger: 'fresh', signal: stop.signal }), sleep(MINUTE)])
  }
  await inserting
  stop.abort(new Error('end of the test'))
  await nightlyRun
  const { rows } = await sql<{ requested: number; slowest: number }>`
    select count(last_requested_at) as requested, max(extract(epoch from last_requested_at - enqueued_at))::float8 as slowest
    from identifai.identifiers where identifier like 'new-%'`.execute(bench.database.db)
  console.log(`20 new identifiers, the slowest was requested after ${rows[0]?.slowest.toFixed(1)} s`)
  expect(rows[0]?.requested).toBe(20)
  expect(rows[0]?.slowest).toBeLessThan(90)
})
