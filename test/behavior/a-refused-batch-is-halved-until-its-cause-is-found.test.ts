import type { ServerResponse } from 'node:http'
import { sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { type CannedApi, startCannedApi } from '../support/canned-api.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let bench: TestApp
let api: CannedApi
afterEach(async () => {
  await bench[Symbol.asyncDispose]()
  await api[Symbol.asyncDispose]()
})

async function against(respond: Parameters<typeof startCannedApi>[0], environment = {}) {
  api = await startCannedApi(respond)
  bench = await createTestApp({
    environment: { IDENTIFAI_API_URL: api.url, SYNC_CONCURRENCY: '1', ...environment },
  })
}

function done(identifiers: readonly string[]) {
  return identifiers.map((identifier) => ({ identifier, status: 'done' }))
}

function refuse(
  response: ServerResponse,
  status: number,
  body = '{"message": "The selected identifier is invalid."}',
) {
  response.writeHead(status).end(body)
  return undefined
}

async function rowOf(identifier: string) {
  return bench.app.db
    .selectFrom('identifai.identifiers')
    .select([
      'state',
      'absences',
      'attempts',
      'last_error',
      'leased_by',
      sql<boolean>`due_at is null`.as('never'),
    ])
    .where('identifier', '=', identifier)
    .executeTakeFirstOrThrow()
}

const hundred = Array.from({ length: 100 }, (_, n) => `id-${n}`)

describe('a refused batch', () => {
  it.each([400, 404, 422])(
    '(%i) is halved until the culprit is alone, and the others are finished',
    async (status) => {
      await against((identifiers, response) =>
        identifiers.includes('id-37') ? refuse(response, status) : done(identifiers),
      )
      await bench.enqueue(hundred)
      const run = await bench.run()
      expect(run).toMatchObject({
        status: 'succeeded',
        done: 99,
        not_returned: 1,
        quarantined: 0,
        released: 0,
      })
      // One for the whole, and at most two for each halving of a hundred.
      expect(run.requests).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(100)))
      expect(await rowOf('id-37')).toMatchObject({
        state: 'pending',
        absences: 1,
        attempts: 0,
        leased_by: null,
      })
      expect((await rowOf('id-37')).last_error).toContain('The selected identifier is invalid.')
      const requested = api.requests.filter((identifiers) => !identifiers.includes('id-37')).flat()
      expect(requested.length).toBe(new Set(requested).size)
    },
  )

  it('does not request its second half as a whole when the first half succeeds', async () => {
    await against((identifiers, response) =>
      identifiers.includes('id-99') ? refuse(response, 422) : done(identifiers),
    )
    await bench.enqueue(hundred)
    // The whole, one first half for each halving, and the culprit alone.
    expect((await bench.run()).requests).toBeLessThanOrEqual(1 + Math.ceil(Math.log2(100)) + 1)
  })

  it('with several culprits finishes all others', async () => {
    const bad = new Set(['id-0', 'id-50', 'id-99'])
    await against((identifiers, response) =>
      identifiers.some((identifier) => bad.has(identifier)) ? refuse(response, 422) : done(identifiers),
    )
    await bench.enqueue(hundred)
    await sql`insert into identifai.api_quota (key_fingerprint, last_accepted_at)
      values (left(encode(sha256(convert_to(${bench.app.config.apiKey}, 'UTF8')), 'hex'), 16), now())`.execute(
      bench.app.db,
    )
    expect(await bench.run()).toMatchObject({ done: 97, not_returned: 3 })
  })

  it('counts a refusal as an absence, requests the culprit alone from then on, and makes it missing', async () => {
    await against((identifiers, response) =>
      identifiers.includes('bad') ? refuse(response, 422) : done(identifiers),
    )
    await bench.enqueue(['bad', 'good'])
    for (let run = 1; run <= 4; run++) {
      await bench.run()
      expect(await rowOf('bad')).toMatchObject({ state: 'pending', absences: run })
      await bench.makeAllDue()
    }
    expect(await bench.run()).toMatchObject({ status: 'succeeded', not_returned: 1, requests: 2 })
    expect(await rowOf('bad')).toMatchObject({ state: 'missing', absences: 5 })
    expect((await rowOf('bad')).last_error).toContain('The API refuses it (422): {"message": "The selected')
  })

  it('counts one refusal of a finished identifier as one absence', async () => {
    let isRefused = false
    await against((identifiers, response) =>
      isRefused && identifiers.includes('id-3') ? refuse(response, 404, '<html>\0gone') : done(identifiers),
    )
    await bench.enqueue(hundred)
    await bench.run()
    isRefused = true
    expect(await bench.run({ refreshAll: true })).toMatchObject({
      status: 'succeeded',
      done: 99,
      not_returned: 1,
    })
    expect(await rowOf('id-3')).toMatchObject({
      state: 'done',
      absences: 1,
      last_error: 'The API refuses it (404): <html>\\u0000gone',
    })
    isRefused = false
    expect(await bench.run({ refreshAll: true })).toMatchObject({ status: 'succeeded', done: 100 })
    expect(await rowOf('id-3')).toMatchObject({ state: 'done', absences: 0, last_error: null })
  })
})

describe('a batch that was too long', () => {
  it.each([413, 414])('(%i) is halved, and the run keeps to the accepted size', async (status) => {
    await against(
      (identifiers, response, request) =>
        (request.url ?? '').length > 1000 ? refuse(response, status, 'too long') : done(identifiers),
      { SYNC_MAX_URL_BYTES: '4000' },
    )
    await bench.enqueue(Array.from({ length: 200 }, (_, n) => n.toString(16).padStart(64, '0')))
    const run = await bench.run()
    expect(run).toMatchObject({ status: 'succeeded', done: 200, released: 0 })
    const refused = api.requests.filter((identifiers) => identifiers.length > 12).length
    expect(refused).toBeLessThanOrEqual(3)
    const requested = api.requests.filter((identifiers) => identifiers.length <= 12).flat()
    expect(requested.length).toBe(200)
  })

  it('is remembered by later runs for a week, for the address of the API', async () => {
    await against(
      (identifiers, response, request) =>
        (request.url ?? '').length > 1000 ? refuse(response, 414) : done(identifiers),
      { SYNC_MAX_URL_BYTES: '4000' },
    )
    const identifiers = Array.from({ length: 40 }, (_, n) => n.toString(16).padStart(64, '0'))
    const refusedInARun = async () => {
      const before = api.requests.length
      expect(await bench.run({ refreshAll: true })).toMatchObject({ status: 'succeeded', done: 40 })
      return api.requests.slice(before).filter((requested) => requested.length > 12).length
    }
    await bench.enqueue(identifiers)
    expect(await refusedInARun()).toBeGreaterThan(0)
    expect(await refusedInARun()).toBe(0)
    await sql`update identifai.api_size_limits set learned_at = now() - interval '169 hours'`.execute(
      bench.app.db,
    )
    expect(await refusedInARun()).toBeGreaterThan(0)
    await sql`update identifai.api_size_limits set api_url = 'https://elsewhere.example'`.execute(
      bench.app.db,
    )
    expect(await refusedInARun()).toBeGreaterThan(0)
  })

  it('does not lead to longer requests than configured', async () => {
    let longest = 0
    await against(
      (identifiers, _, request) => {
        longest = Math.max(longest, (request.url ?? '').length)
        return done(identifiers)
      },
      { SYNC_MAX_URL_BYTES: '1000' },
    )
    // An earlier run with a greater configured length has learned this one.
    await sql`insert into identifai.api_size_limits (api_url, max_url_bytes) values (${api.url}, 4000)`.execute(
      bench.app.db,
    )
    await bench.enqueue(hundred)
    expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 100 })
    expect(longest).toBeLessThanOrEqual(1000)
  })

  it('follows the rule for refused identifiers when it has a single one', async () => {
    await against((identifiers, response) =>
      identifiers.includes('long') ? refuse(response, 414) : done(identifiers),
    )
    await bench.enqueue(['long'])
    expect(await bench.run()).toMatchObject({ status: 'succeeded', not_returned: 1 })
    expect(await rowOf('long')).toMatchObject({ state: 'pending', absences: 1 })
  })
})
