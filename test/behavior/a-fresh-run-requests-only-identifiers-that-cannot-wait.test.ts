import { describe, expect, it } from 'vitest'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { sampleSize } from '../support/sample-size.ts'
import { seedFinished } from '../support/seed-finished.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const done = (identifiers: readonly string[]) =>
  identifiers.map((identifier) => ({ identifier, status: 'done' }))

async function insert({ app }: TestApp, identifier: string, priority: number) {
  await app.db.insertInto('identifai.identifiers').values({ identifier, priority }).execute()
}

function runs({ app }: TestApp) {
  return app.db.selectFrom('identifai.sync_runs').select(['trigger', 'status', 'claimed']).execute()
}

async function pendingOf({ app }: TestApp): Promise<number> {
  const { pending } = await app.db
    .selectFrom('identifai.identifiers')
    .select(({ fn }) => fn.countAll<number>().as('pending'))
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow()
  return pending
}

describe('a fresh run', () => {
  it('leaves the identifiers that can wait to the nightly run', async () => {
    await using api = await startCannedApi(done)
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    const priorities = { refreshed: 10, inserted: 0, enqueued: -5, 'same-file': -7, later: -8, finished: -10 }
    for (const [identifier, priority] of Object.entries(priorities)) await insert(bench, identifier, priority)
    expect(await bench.run({ trigger: 'fresh' })).toMatchObject({ trigger: 'fresh', claimed: 4 })
    expect(api.requests).toEqual([['refreshed', 'inserted', 'enqueued', 'same-file']])
    expect(await runs(bench)).toEqual([{ trigger: 'fresh', status: 'succeeded', claimed: 4 }])
  })

  it('leaves no row when there is nothing to claim', async () => {
    await using bench = await createTestApp()
    await insert(bench, 'finished', -10)
    expect(await bench.run({ trigger: 'fresh' })).toMatchObject({ claimed: 0 })
    expect(await runs(bench)).toEqual([])
  })

  it('requests a new identifier within a few requests while a long nightly run is in progress', async () => {
    await using api = await startCannedApi(done)
    await using bench = await createTestApp({
      // Slow enough that requests wait for the quota.
      environment: { IDENTIFAI_API_URL: api.url, SYNC_REQUESTS_PER_SECOND: '10' },
    })
    await seedFinished(bench.app.db, sampleSize(20_000))
    const stop = new AbortController()
    const nightly = executeRun(bench.app, { trigger: 'nightly', signal: stop.signal })
    const waits: number[] = []
    for (let round = 1; round <= 5; round++) {
      await expect.poll(() => api.requests.length, { timeout: 30_000 }).toBeGreaterThan(round * 4)
      const before = api.requests.length
      await insert(bench, `new-${round}`, round % 2 === 0 ? 0 : -5)
      await bench.run({ trigger: 'fresh' })
      await expect.poll(() => api.requests.flat()).toContain(`new-${round}`)
      waits.push(api.requests.findIndex((identifiers) => identifiers.includes(`new-${round}`)) - before)
    }
    // The last identifier has to be loaded before the nightly run stops, because that run may have requested it.
    await expect.poll(() => pendingOf(bench), { timeout: 30_000 }).toBe(0)
    stop.abort(new Error('end of the test'))
    // Two requests of the nightly run may be in flight, and it sends some while the fresh run begins. It has hundreds more.
    expect(Math.max(...waits)).toBeLessThanOrEqual(8)
    expect((await nightly).run).toMatchObject({ status: 'interrupted', pending_count: 0 })
  })
})
