import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { CircuitBrokenError, EXIT_CODE, exitCodeOf } from '../../src/platform/errors.ts'
import { executeRun, type RunOptions } from '../../src/pipeline/run/execute-run.ts'
import { benchAgainst } from '../support/bench-against.ts'
import type { startCannedApi } from '../support/canned-api.ts'
import type { TestApp } from '../support/test-app.ts'

type Responder = Parameters<typeof startCannedApi>[0]

const named = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`)

const records: Responder = (identifiers) => identifiers.map((identifier) => ({ identifier, status: 'done' }))

/** An API that refuses a request with any of these identifiers. */
function refusing(bad: readonly string[], status: number): Responder {
  return (identifiers, response, request) => {
    if (!identifiers.some((one) => bad.includes(one))) return records(identifiers, response, request)
    return void response.writeHead(status).end('{"message": "Not Found"}')
  }
}

/** A test app with an API that responds correctly at first, and finished identifiers that are not due. */
async function benchWith(finished: number, options: { readonly isKeyProven?: boolean } = {}) {
  let respond = records
  const bench = await benchAgainst((...call) => respond(...call))
  await bench.enqueue(named('finished', finished))
  await bench.run()
  if (!options.isKeyProven)
    await sql`update identifai.api_quota set last_accepted_at = null`.execute(bench.app.db)
  return {
    ...bench,
    respondWith: (responder: Responder) => {
      respond = responder
    },
  }
}

/** Everything of the tracked identifiers that decides on their next requests. */
async function rowsOf({ app }: TestApp) {
  const { rows } = await sql`
    select identifier, state, absences, attempts, due_at, request_limit, priority, leased_by, lease_until, last_confirmed_at
    from identifai.identifiers order by id`.execute(app.db)
  return rows
}

async function execute({ app }: TestApp, options: Partial<RunOptions> = {}) {
  return executeRun(app, { trigger: 'manual', signal: new AbortController().signal, ...options })
}

const WRONG: readonly (readonly [string, Responder])[] = [
  [
    '404 in JSON',
    (_, response) =>
      void response.writeHead(404, { 'content-type': 'application/json' }).end('{"message": "Not Found"}'),
  ],
  ['404 and a web page', (_, response) => void response.writeHead(404).end('<html>Not Found</html>')],
  ['a web page', (_, response) => void response.writeHead(200).end('<!doctype html><title>Welcome</title>')],
]

describe.each(WRONG)('an address that responds with %s', (_, wrong) => {
  it.each<
    [
      string,
      { finished: number; pending: number; isKeyProven?: boolean; options?: Partial<RunOptions> },
      number,
    ]
  >([
    ['nothing but 300 new identifiers', { finished: 0, pending: 300 }, 7],
    ['one new identifier', { finished: 0, pending: 1 }, 3],
    ['300 new identifiers, and finished ones', { finished: 100, pending: 300, isKeyProven: true }, 7],
    ['one new identifier, and finished ones', { finished: 100, pending: 1, isKeyProven: true }, 5],
    [
      'finished identifiers to refresh',
      { finished: 300, pending: 0, isKeyProven: true, options: { refreshAll: true } },
      7,
    ],
    [
      'a limit, within which no control group is requested',
      { finished: 100, pending: 300, isKeyProven: true, options: { limit: 100 } },
      11,
    ],
    ['too few finished identifiers for a proof', { finished: 2, pending: 300, isKeyProven: true }, 14],
  ])('stops a run with %s, and changes none of them', async (_name, setup, most) => {
    await using bench = await benchWith(setup.finished, setup)
    await bench.enqueue(named('new', setup.pending))
    if (setup.options?.refreshAll) await bench.makeAllDue()
    const before = await rowsOf(bench)
    bench.respondWith(wrong)
    const { run, failure } = await execute(bench, { ...setup.options, refreshAll: false })
    expect(failure).toBeInstanceOf(CircuitBrokenError)
    expect((failure as Error).message).toContain('IDENTIFAI_API_URL')
    expect(exitCodeOf(failure)).toBe(EXIT_CODE.gaveUp)
    expect(run.requests).toBeLessThanOrEqual(most)
    expect(run).toMatchObject({ status: 'failed', released: run.claimed, not_returned: 0 })
    expect(await rowsOf(bench)).toEqual(before)
    // Finished identifiers of a control group have no problem, because they are not due.
    const { rows } = await sql`
      select from identifai.identifiers where due_at > now() and (last_error is not null or withheld_at is not null)`.execute(
      bench.app.db,
    )
    expect(rows).toEqual([])

    bench.respondWith(records)
    expect((await execute(bench)).run).toMatchObject({ status: 'succeeded' })
  })
})

describe.each([404, 422])('an API that refuses some identifiers with %i', (status) => {
  it('does not stop a run with a single identifier, which is absent', async () => {
    await using bench = await benchWith(30, { isKeyProven: true })
    bench.respondWith(refusing(['new-0'], status))
    await bench.enqueue(['new-0'])
    expect(await bench.run()).toMatchObject({ status: 'succeeded', not_returned: 1, requests: 2 })
  })

  it('does not stop a run that begins with many of them', async () => {
    await using bench = await benchWith(30, { isKeyProven: true })
    const bad = named('bad', 25)
    bench.respondWith(refusing(bad, status))
    await bench.enqueue(bad)
    await bench.enqueue(named('good', 50))
    const run = await bench.run()
    // The control group is confirmed, too.
    expect(run).toMatchObject({ status: 'succeeded', done: 50 + 20, not_returned: 25 })
  })

  it('does not stop a run whose control group has two of them', async () => {
    await using bench = await benchWith(8, { isKeyProven: true })
    const bad = ['finished-6', 'finished-7', 'new-0']
    bench.respondWith(refusing(bad, status))
    await bench.enqueue(named('new', 10))
    const run = await bench.run()
    expect(run).toMatchObject({ status: 'succeeded', done: 9 + 6, not_returned: 3 })
  })

  it('does not stop the first run ever because of the first two identifiers', async () => {
    await using bench = await benchWith(0)
    bench.respondWith(refusing(['new-0', 'new-1'], status))
    await bench.enqueue(named('new', 100))
    expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 98, not_returned: 2 })
  })
})

it('four web pages between records do not stop a run', async () => {
  await using bench = await benchWith(0)
  let requests = 0
  bench.respondWith((identifiers, response, request) =>
    ++requests > 2 && requests <= 6
      ? void response.writeHead(200).end('<html>Sign in</html>')
      : records(identifiers, response, request),
  )
  await bench.enqueue(named('new', 1000))
  expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 1000 })
})

it('the error has the beginning of the web page', async () => {
  await using bench = await benchWith(0)
  bench.respondWith((_, response) => void response.writeHead(200).end('<title>Welcome</title>'))
  await bench.enqueue(['new'])
  const { failure } = await execute(bench)
  expect((failure as Error).message).toContain('not a JSON array, but no content type: <title>Welcome')
})

it('two web pages at the start do not stop a run', async () => {
  await using bench = await benchWith(0)
  let requests = 0
  bench.respondWith((identifiers, response, request) =>
    ++requests <= 2
      ? void response.writeHead(200).end('<html>Sign in</html>')
      : records(identifiers, response, request),
  )
  await bench.enqueue(['new'])
  expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 1, requests: 3 })
})
