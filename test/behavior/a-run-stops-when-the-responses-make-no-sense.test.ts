import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CircuitBrokenError } from '../../src/platform/errors.ts'
import { requeueState } from '../../src/pipeline/queue/requeue.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { benchAgainst } from '../support/bench-against.ts'
import { type CannedApi, startCannedApi } from '../support/canned-api.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const FINISHED = 1000
/** More than it takes until an absent identifier is missing. */
const RUNS = 6

type Responder = Parameters<typeof startCannedApi>[0]

const done: Responder = (identifiers) => identifiers.map((identifier) => ({ identifier, status: 'done' }))

describe('1,000 finished identifiers', () => {
  let api: CannedApi
  let bench: TestApp
  let respond: Responder = done

  beforeAll(async () => {
    api = await startCannedApi((...call) => respond(...call))
    bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(Array.from({ length: FINISHED }, (_, n) => `id-${n}`))
    await bench.run()
  })
  // Confirms all of them, and ends the absences that an earlier test has left.
  beforeEach(async () => {
    respond = done
    await bench.run({ refreshAll: true })
  })
  afterAll(async () => {
    await bench[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
  })

  /** Everything that a run with wrong responses could damage. */
  async function states() {
    const { rows } = await sql`
      select state, absences, attempts, leased_by, count(*) from identifai.identifiers
      group by 1, 2, 3, 4 order by 1, 2, 3, 4`.execute(bench.app.db)
    return rows
  }

  it.each<[string, Responder, string]>([
    ["another account's key", () => [], 'IDENTIFAI_API_KEY'],
    [
      "another account's key, for which the API returns a few of them",
      (identifiers) =>
        identifiers.filter((_, n) => n % 10 === 0).map((identifier) => ({ identifier, status: 'done' })),
      'IDENTIFAI_API_KEY',
    ],
    [
      'a contract that has changed in every record',
      (identifiers) => identifiers.map((identifier) => ({ identifier, status: 5 })),
      'do not fit the contract',
    ],
    [
      'a status that has changed in every record',
      (identifiers) => identifiers.map((identifier) => ({ identifier, status: 'finished' })),
      'have a status that is not documented',
    ],
    [
      'a wrong address that returns 404',
      (_, response) => void response.writeHead(404).end('<html>'),
      'IDENTIFAI_API_URL',
    ],
    [
      'a wrong address that returns 422',
      (_, response) => void response.writeHead(422).end('{}'),
      'IDENTIFAI_API_URL',
    ],
  ])('survive six runs with %s', async (_, wrong, message) => {
    const before = await states()
    respond = wrong
    for (let count = 1; count <= RUNS; count++) {
      const { run, failure } = await executeRun(bench.app, {
        trigger: 'manual',
        signal: new AbortController().signal,
        refreshAll: true,
      })
      expect(failure).toBeInstanceOf(CircuitBrokenError)
      expect((failure as Error).message).toContain(message)
      expect(run).toMatchObject({ status: 'failed', not_returned: 0, quarantined: 0 })
      expect(run.requests).toBeLessThan(50)
    }
    respond = done
    expect(await states()).toEqual(before)
    const quarantined = await bench.app.db.selectFrom('identifai.quarantined_payloads').selectAll().execute()
    expect(quarantined).toEqual([])
    expect(await bench.run({ refreshAll: true })).toMatchObject({
      status: 'succeeded',
      done: FINISHED,
    })
    expect(await states()).toEqual(before)
  })

  it('do not stop a run because of a single bad identifier', async () => {
    respond = (identifiers, response, request) => {
      if (identifiers.includes('id-1')) return void response.writeHead(422).end('{}')
      return done(identifiers, response, request)
    }
    for (let count = 1; count <= 3; count++) {
      const { failure } = await executeRun(bench.app, {
        trigger: 'manual',
        signal: new AbortController().signal,
        refreshAll: true,
      })
      expect(failure).toBeUndefined()
    }
    expect(await states()).toMatchObject([
      { state: 'done', absences: 0, count: FINISHED - 1 },
      { state: 'done', absences: 3, count: 1 },
    ])
  })
})

it('new identifiers do not become missing when the API returns none of them', async () => {
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

  async function finishedBench(responder: Responder) {
    const bench = await benchAgainst(responder)
    await bench.enqueue(known)
    expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 30 })
    return bench
  }

  it('distinguishes a list of identifiers that do not exist from a wrong key', async () => {
    await using bench = await finishedBench((identifiers) =>
      identifiers.filter((one) => known.includes(one)).map((identifier) => ({ identifier, status: 'done' })),
    )
    await bench.enqueue(Array.from({ length: 100 }, (_, n) => `hash-${n}`))
    const run = await bench.run()
    expect(run).toMatchObject({ status: 'succeeded', not_returned: 100, done: 20, requests: 2 })
    expect(await bench.run({ limit: 3 })).toMatchObject({ claimed: 0 })
  })

  it('distinguishes a wrong key from new identifiers that cannot be read yet, however few are requested', async () => {
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

  it('is not requested beyond a limit', async () => {
    await using bench = await finishedBench((identifiers) =>
      identifiers.filter((one) => known.includes(one)).map((identifier) => ({ identifier, status: 'done' })),
    )
    await bench.enqueue(Array.from({ length: 10 }, (_, n) => `new-${n}`))
    expect(await bench.run({ limit: 10 })).toMatchObject({ claimed: 10, not_returned: 10 })
  })
})

it.each<[string, number, Responder]>([
  ['not returned', 60, () => []],
  ['refused', 12, (_, response) => void response.writeHead(422).end('{}')],
])('missing identifiers that are still %s do not trip the circuit breaker', async (_, length, responder) => {
  await using bench = await benchAgainst(responder)
  await bench.enqueue(Array.from({ length }, (__, n) => `gone-${n}`))
  await sql`update identifai.identifiers set state = 'missing', absences = 5, finished_at = now()`.execute(
    bench.app.db,
  )
  for (let time = 0; time < 3; time++) {
    await requeueState(bench.app.db, 'missing')
    expect(await bench.run()).toMatchObject({ status: 'succeeded', not_returned: length })
  }
})
