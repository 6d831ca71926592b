import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CircuitBrokenError } from '../../src/platform/errors.ts'
import { requeue } from '../../src/pipeline/queue/requeue.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { benchAgainst } from '../support/bench-against.ts'
import { type CannedApi, startCannedApi } from '../support/canned-api.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const FINISHED = 5000
const RUNS = 10

type OutcomeGroup = Parameters<typeof startCannedApi>[0]

const done: OutcomeGroup = (identifiers) => identifiers.map((identifier) => ({ identifier, status: 'done' }))

describe('5,000 finished identifiers', () => {
  let api: CannedApi
  let bench: TestApp
  let answer: OutcomeGroup = done

  beforeAll(async () => {
    api = await startCannedApi((...call) => answer(...call))
    bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(Array.from({ length: FINISHED }, (_, n) => `id-${n}`))
    await bench.run()
  })
  afterAll(async () => {
    await bench[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
  })

  /** Everything that a bad night could ruin. */
  async function states() {
    const { rows } = await sql`
      select state, absences, attempts, leased_by, count(*) from identifai.identifiers
      group by 1, 2, 3, 4 order by 1, 2, 3, 4`.execute(bench.app.db)
    return rows
  }

  it.each<[string, OutcomeGroup, string]>([
    ["another account's key", () => [], 'IDENTIFAI_API_KEY'],
    [
      "another account's key, which knows a few of them",
      (identifiers) =>
        identifiers.filter((_, n) => n % 10 === 0).map((identifier) => ({ identifier, status: 'done' })),
      'IDENTIFAI_API_KEY',
    ],
    [
      'a contract that has changed in every record',
      (identifiers) => identifiers.map((identifier) => ({ identifier, status: 'finished' })),
      'do not fit the contract',
    ],
    [
      'a wrong address that answers 404',
      (_, response) => void response.writeHead(404).end('<html>'),
      'IDENTIFAI_API_URL',
    ],
    [
      'a wrong address that answers 422',
      (_, response) => void response.writeHead(422).end('{}'),
      'IDENTIFAI_API_URL',
    ],
  ])('survive ten nights of %s', async (_, bad, says) => {
    const before = await states()
    answer = bad
    for (let night = 1; night <= RUNS; night++) {
      const { run, failure } = await executeRun(bench.app, {
        trigger: 'manual',
        signal: new AbortController().signal,
        refreshAll: true,
      })
      expect(failure).toBeInstanceOf(CircuitBrokenError)
      expect((failure as Error).message).toContain(says)
      expect(run).toMatchObject({ status: 'failed', not_returned: 0, quarantined: 0 })
      expect(run.requests).toBeLessThan(40)
    }
    answer = done
    expect(await states()).toEqual(before)
    const quarantined = await bench.app.db.selectFrom('identifai.quarantined_payloads').selectAll().execute()
    expect(quarantined).toEqual([])
    expect(await bench.run({ refreshAll: true })).toMatchObject({
      status: 'succeeded',
      done: FINISHED,
    })
    expect(await states()).toEqual(before)
  })

  it('are not stopped by a single bad identifier, night after night', async () => {
    answer = (identifiers, response, request) => {
      if (identifiers.includes('id-1')) return void response.writeHead(422).end('{}')
      return done(identifiers, response, request)
    }
    for (let night = 1; night <= 3; night++) {
      const { failure } = await executeRun(bench.app, {
        trigger: 'manual',
        signal: new AbortController().signal,
        refreshAll: true,
      })
      expect(failure).toBeUndefined()
    }
    expect(await states()).toMatchObject([
      { state: 'done', count: FINISHED - 1 },
      { state: 'quarantined', count: 1 },
    ])
    answer = done
  })
})

it('a new fleet is not turned missing by a key that knows none of it', async () => {
  await using api = await startCannedApi(() => [])
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(Array.from({ length: 300 }, (_, n) => `id-${n}`))
  const { failure } = await executeRun(bench.app, { trigger: 'manual', signal: new AbortController().signal })
  expect(failure).toBeInstanceOf(CircuitBrokenError)
  const { rows } =
    await sql`select distinct state, absences, due_at <= now() as due from identifai.identifiers`.execute(
      bench.app.db,
    )
  expect(rows).toEqual([{ state: 'pending', absences: 0, due: true }])
})

describe('a control group of finished identifiers', () => {
  const known = Array.from({ length: 30 }, (_, n) => `id-${n}`)

  async function finishedBench(answer: OutcomeGroup) {
    const bench = await benchAgainst(answer)
    await bench.enqueue(known)
    expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 30 })
    return bench
  }

  it('tells a list of identifiers that do not exist from a wrong key', async () => {
    await using bench = await finishedBench((identifiers) =>
      identifiers.filter((one) => known.includes(one)).map((identifier) => ({ identifier, status: 'done' })),
    )
    await bench.enqueue(Array.from({ length: 100 }, (_, n) => `hash-${n}`))
    const run = await bench.run()
    expect(run).toMatchObject({ status: 'succeeded', not_returned: 100, done: 20, requests: 2 })
    expect(await bench.run({ limit: 3 })).toMatchObject({ claimed: 0 })
  })

  it('tells a wrong key from new identifiers that cannot be read yet, however few are asked', async () => {
    let isRightKey = true
    await using bench = await finishedBench((identifiers) =>
      isRightKey ? identifiers.map((identifier) => ({ identifier, status: 'done' })) : [],
    )
    isRightKey = false
    for (let time = 0; time < 6; time++) {
      await bench.enqueue(Array.from({ length: 9 }, (_, n) => `new-${n}`))
      const { run, failure } = await executeRun(bench.app, {
        trigger: 'fresh',
        signal: new AbortController().signal,
      })
      expect(failure).toBeInstanceOf(CircuitBrokenError)
      expect(run).toMatchObject({ status: 'failed', claimed: 29, released: 29, not_returned: 0 })
    }
    const { rows } = await sql`select distinct state, absences from identifai.identifiers order by 1`.execute(
      bench.app.db,
    )
    expect(rows).toEqual([
      { state: 'done', absences: 0 },
      { state: 'pending', absences: 0 },
    ])
  })

  it('is not asked beyond a limit', async () => {
    await using bench = await finishedBench((identifiers) =>
      identifiers.filter((one) => known.includes(one)).map((identifier) => ({ identifier, status: 'done' })),
    )
    await bench.enqueue(Array.from({ length: 10 }, (_, n) => `new-${n}`))
    expect(await bench.run({ limit: 10 })).toMatchObject({ claimed: 10, not_returned: 10 })
  })
})

it('missing ones that are still missing say nothing of the key', async () => {
  await using bench = await benchAgainst(() => [])
  await bench.enqueue(Array.from({ length: 60 }, (_, n) => `gone-${n}`))
  await sql`update identifai.identifiers set state = 'missing', absences = 5, finished_at = now()`.execute(
    bench.app.db,
  )
  for (let time = 0; time < 3; time++) {
    await requeue(bench.app.db, { state: 'missing' })
    expect(await bench.run()).toMatchObject({ status: 'succeeded', not_returned: 60 })
  }
})
