import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { GaveUpError } from '../../src/platform/errors.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const ENVIRONMENT = { SYNC_RETRIES: '0', SYNC_CONCURRENCY: '1' }

function execute({ app }: TestApp) {
  return executeRun(app, { trigger: 'manual', signal: new AbortController().signal })
}

async function states({ app }: TestApp) {
  const { rows } = await sql<{ state: string; attempts: number; request_limit: number | null; n: number }>`
    select state, attempts, request_limit, count(*) as n from identifai.identifiers group by 1, 2, 3 order by 1, 2`.execute(
    app.db,
  )
  return rows
}

describe('identifiers of failed requests', () => {
  it('share smaller and smaller requests, until the cause is alone in one', async () => {
    await using api = await startCannedApi((identifiers, response) => {
      if (!identifiers.includes('heavy'))
        return identifiers.map((identifier) => ({ identifier, status: 'done' }))
      response.statusCode = 500
      response.end()
      return undefined
    })
    await using bench = await createTestApp({ environment: { ...ENVIRONMENT, IDENTIFAI_API_URL: api.url } })
    // It is in the first request, before any has succeeded.
    await bench.enqueue(['heavy', ...Array.from({ length: 199 }, (_, n) => `id-${n}`)])
    for (let run = 0; run < 9; run++) {
      await execute(bench)
      await bench.makeAllDue()
    }
    const sizes = api.requests
      .filter((requested) => requested.includes('heavy'))
      .map((requested) => requested.length)
    expect(sizes).toEqual([100, 50, 25, 12, 6, 3, 1, 1, 1])
    expect(await states(bench)).toEqual([
      { state: 'done', attempts: 0, request_limit: null, n: 199 },
      { state: 'pending', attempts: 9, request_limit: 1, n: 1 },
    ])
  })

  it('come last once each is alone, and do not end the run of the others', async () => {
    const heavy = Array.from({ length: 8 }, (_, n) => `heavy-${n}`)
    await using api = await startCannedApi((identifiers, response) => {
      if (!identifiers.some((one) => heavy.includes(one)))
        return identifiers.map((identifier) => ({ identifier, status: 'done' }))
      response.statusCode = 500
      response.end()
      return undefined
    })
    await using bench = await createTestApp({ environment: { ...ENVIRONMENT, IDENTIFAI_API_URL: api.url } })
    await bench.enqueue([...heavy, ...Array.from({ length: 592 }, (_, n) => `id-${n}`)])
    for (let run = 0; run < 9; run++) {
      await execute(bench)
      await bench.makeAllDue()
    }
    expect(await states(bench)).toContainEqual({ state: 'done', attempts: 0, request_limit: null, n: 592 })
    for (let run = 0; run < 3; run++) {
      const before = api.requests.length
      expect((await execute(bench)).run).toMatchObject({ status: 'partial', done: 592, released: 8 })
      expect(
        api.requests
          .slice(before, before + 5)
          .flat()
          .filter((one) => heavy.includes(one)),
      ).toEqual([])
      await bench.makeAllDue()
    }
  })

  it('end the run where they fail five times in a row together with others, because the API may be down', async () => {
    const long = (name: string) => name.repeat(600)
    await using api = await startCannedApi((identifiers, response) => {
      if (identifiers.includes(long('g')))
        return identifiers.map((identifier) => ({ identifier, status: 'done' }))
      response.statusCode = 500
      response.end()
      return undefined
    })
    // A long identifier and a short one fit a request.
    await using bench = await createTestApp({
      environment: { ...ENVIRONMENT, IDENTIFAI_API_URL: api.url, SYNC_MAX_URL_BYTES: '1000' },
    })
    for (const name of ['g', 'a', 'b', 'c', 'd', 'e']) await bench.enqueue([long(name)])
    await sql`insert into identifai.identifiers (identifier, attempts, request_limit)
      select 'failed-' || n, 1, 2 from generate_series(1, 5) as n`.execute(bench.app.db)
    const { run, failure } = await execute(bench)
    expect(failure).toBeInstanceOf(GaveUpError)
    expect(run).toMatchObject({ status: 'failed', done: 1, released: 10 })
    expect(api.requests.map((requested) => requested.length)).toEqual([1, 2, 2, 2, 2, 2])
  })

  it('share full requests again after the whole API was down', async () => {
    let down = true
    await using api = await startCannedApi((identifiers, response) => {
      if (!down) return identifiers.map((identifier) => ({ identifier, status: 'done' }))
      response.statusCode = 503
      response.end()
      return undefined
    })
    await using bench = await createTestApp({ environment: { ...ENVIRONMENT, IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(Array.from({ length: 300 }, (_, n) => `id-${n}`))
    for (let run = 0; run < 3; run++) {
      expect((await execute(bench)).run.status).toBe('failed')
      await bench.makeAllDue()
    }
    expect(await states(bench)).toEqual([{ state: 'pending', attempts: 3, request_limit: null, n: 300 }])
    down = false
    expect(await bench.run()).toMatchObject({ status: 'succeeded', requests: 3, done: 300 })
  })
})
