import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { readClock } from '../../src/platform/postgres/clock.ts'
import { RunClosedError } from '../../src/platform/errors.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { createTestApp } from '../support/test-app.ts'

const done = (identifiers: readonly string[]) =>
  identifiers.map((identifier) => ({ identifier, status: 'done' }))
const signal = new AbortController().signal

describe('a run in progress', () => {
  it('keeps its leases while a response takes longer than a lease, also those of claims that wait for the next request', async () => {
    await using api = await startCannedApi((identifiers, response) => {
      // Each response takes nearly two leases.
      void sleep(3500).then(() => response.end(JSON.stringify(done(identifiers))))
      return undefined
    })
    await using bench = await createTestApp({
      environment: {
        IDENTIFAI_API_URL: api.url,
        SYNC_LEASE_SECONDS: '2',
        SYNC_CONCURRENCY: '1',
        SYNC_MAX_URL_BYTES: '5000',
      },
    })
    await bench.enqueue(Array.from({ length: 101 }, (_, n) => n.toString(16).padStart(64, '0')))
    expect(await bench.run()).toMatchObject({
      status: 'succeeded',
      claimed: 101,
      done: 101,
      released: 0,
      requests: 2,
    })
    const requested = api.requests.flat()
    expect(requested.length).toBe(new Set(requested).size)
  })

  it('renews the leases of requests in progress, of claims that wait, and of outcomes that are held', async () => {
    let isRenewed = false
    const leases = async () =>
      (
        await sql<{ first: string; claims: number }>`
          select min(lease_until)::text as first, count(lease_until) as claims from identifai.identifiers`.execute(
          bench.database.db,
        )
      ).rows[0]
    await using api = await startCannedApi((identifiers, response) => {
      const isAbsent = identifiers[0]?.startsWith('a') ?? false
      void (async () => {
        if (identifiers[0]?.startsWith('b')) {
          const before = await leases()
          expect(before?.claims).toBe(3)
          await expect.poll(async () => (await leases())?.first).not.toBe(before?.first)
          isRenewed = true
        }
      })()
        .catch(() => {})
        .then(() => response.end(JSON.stringify(isAbsent ? [] : done(identifiers))))
      return undefined
    })
    await using bench = await createTestApp({
      environment: {
        IDENTIFAI_API_URL: api.url,
        SYNC_LEASE_SECONDS: '2',
        SYNC_CONCURRENCY: '1',
        SYNC_MAX_URL_BYTES: '1000',
        SYNC_REQUEST_TIMEOUT_MS: '60000',
      },
    })
    // One of them fits a request.
    await bench.enqueue(['a', 'b', 'c'].map((letter) => letter.repeat(600)))
    await executeRun(bench.app, { trigger: 'manual', signal })
    expect(isRenewed).toBe(true)
  })

  it('stops when another process closes it, and holds nothing afterwards', async () => {
    await using api = await startCannedApi((identifiers, response) => {
      void sql`update identifai.sync_runs set status = 'interrupted', finished_at = now()`
        .execute(bench.database.db)
        .then(() => response.end(JSON.stringify(done(identifiers))))
      return undefined
    })
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(Array.from({ length: 1000 }, (_, n) => `id-${n}`))
    await expect(executeRun(bench.app, { trigger: 'manual', signal })).rejects.toThrow(RunClosedError)
    expect(api.requests.length).toBeLessThanOrEqual(3)
    const { rows } = await sql`
      select state, count(leased_by) as leased from identifai.identifiers group by 1`.execute(
      bench.database.db,
    )
    expect(rows).toEqual([{ state: 'pending', leased: 0 }])
  })

  it('reads the clock before it sends a request, and after it has received the response', async () => {
    const clock = () => readClock(bench.database.db)
    let arrived = ''
    let responded = ''
    await using api = await startCannedApi((identifiers, response) => {
      void (async () => {
        arrived = await clock()
        responded = await clock()
        response.end(JSON.stringify(done(identifiers)))
      })()
      return undefined
    })
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(['a'])
    await bench.run()
    const { rows } = await sql<{ left: boolean; received: boolean }>`
      select i.last_confirmed_at < ${arrived}::timestamptz and i.last_requested_at < ${arrived}::timestamptz as left,
        r.observed_at > ${responded}::timestamptz as received
      from identifai.identifiers i join identifai.classification_revisions r on r.classification_id = i.id`.execute(
      bench.app.db,
    )
    expect(rows).toEqual([{ left: true, received: true }])
  })

  it('refreshes first the identifier that was confirmed longest ago', async () => {
    await using api = await startCannedApi(done)
    await using bench = await createTestApp({
      environment: { IDENTIFAI_API_URL: api.url, SYNC_BATCH_SIZE: '1', SYNC_CONCURRENCY: '1' },
    })
    await bench.enqueue(['a', 'b', 'c'])
    await bench.run()
    await sql`update identifai.identifiers set last_confirmed_at = now() - case identifier
      when 'b' then interval '3 days' when 'c' then interval '2 days' else interval '1 day' end`.execute(
      bench.app.db,
    )
    await bench.run({ refreshAll: true })
    expect(api.requests.slice(3).flat()).toEqual(['b', 'c', 'a'])
  })
})
