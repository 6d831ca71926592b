import type { ServerResponse } from 'node:http'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import type { Environment } from '../../src/platform/config/environment.ts'
import { ApiResponseError, ApiKeyRefusedError, GaveUpError } from '../../src/platform/errors.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import type { startCannedApi } from '../support/canned-api.ts'
import { benchAgainst as benchWith } from '../support/bench-against.ts'
import { dumpTables } from '../support/dump-tables.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

/** Tries every request three times. */
function benchAgainst(respond: Parameters<typeof startCannedApi>[0], environment: Environment = {}) {
  return benchWith(respond, { SYNC_RETRIES: '2', ...environment })
}

function run({ app }: TestApp, signal = new AbortController().signal, limit?: number) {
  return executeRun(app, { trigger: 'manual', signal, ...(limit !== undefined && { limit }) })
}

async function distinctRows({ app }: TestApp) {
  const { rows } = await sql<Record<string, unknown>>`
    select distinct state, attempts, absences, due_at <= now() as due, lease_until, leased_by, last_error, last_confirmed_at
    from identifai.identifiers`.execute(app.db)
  return rows
}

const UNTOUCHED = {
  state: 'pending',
  attempts: 0,
  absences: 0,
  due: true,
  lease_until: null,
  leased_by: null,
  last_error: null,
  last_confirmed_at: null,
}

function status(code: number, body = '') {
  return (_: string[], response: ServerResponse) => {
    response.statusCode = code
    response.end(body)
  }
}

describe('a run', () => {
  it.each([401, 403])('stops immediately when the key is refused (%i), and changes nothing', async (code) => {
    await using bench = await benchAgainst(status(code), { SYNC_CONCURRENCY: '1' })
    await bench.enqueue(Array.from({ length: 300 }, (_, n) => `id-${n}`))
    const { run: row, failure } = await run(bench)
    expect(failure).toBeInstanceOf(ApiKeyRefusedError)
    expect(row).toMatchObject({ status: 'failed', requests: 1, retries: 0, claimed: 100, released: 100 })
    expect(row.error).toContain(`the API refuses the key (${code}). Set IDENTIFAI_API_KEY`)
    expect(await distinctRows(bench)).toEqual([UNTOUCHED])
  })

  it.each([302, 405, 410])('stops immediately on status %i, and changes nothing', async (code) => {
    await using bench = await benchAgainst(status(code, 'why not'), { SYNC_CONCURRENCY: '1' })
    await bench.enqueue(['a'])
    const { run: row, failure } = await run(bench)
    expect(failure).toBeInstanceOf(ApiResponseError)
    expect(row).toMatchObject({ status: 'failed', requests: 1, retries: 0 })
    expect(row.error).toContain(String(code))
    expect(await distinctRows(bench)).toEqual([UNTOUCHED])
  })

  it.each<[string, Parameters<typeof startCannedApi>[0]]>([
    ['status 500', status(500)],
    ['JSON that breaks off', status(200, '[{"identifier": "')],
    ['JSON that is no array', status(200, '{"data": []}')],
    [
      'text that is not UTF-8',
      (_, response) => void response.end(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])),
    ],
    ['a reset', (_, response) => void response.destroy()],
    ['silence', () => undefined],
  ])(
    'retries on %s, counts the failed requests, and gives up after five failed batches',
    async (failure, respond) => {
      await using bench = await benchAgainst(respond, {
        SYNC_CONCURRENCY: '1',
        SYNC_BATCH_SIZE: '1',
        // The other failures have to come as themselves, also on a busy machine.
        ...(failure === 'silence' && { SYNC_REQUEST_TIMEOUT_MS: '100' }),
      })
      await bench.enqueue(['a', 'b', 'c', 'd', 'e', 'f'])
      const { run: row, failure: error } = await run(bench)
      expect(error).toBeInstanceOf(GaveUpError)
      expect(row).toMatchObject({ status: 'failed', claimed: 5, released: 5, requests: 15, retries: 10 })
      const rows = await distinctRows(bench)
      expect(rows).toHaveLength(2)
      expect(rows).toContainEqual(UNTOUCHED)
      expect(rows).toContainEqual(
        expect.objectContaining({ state: 'pending', attempts: 1, absences: 0, due: false, leased_by: null }),
      )
    },
  )

  it('does not give up when another batch succeeds between five failed ones', async () => {
    const good = ['id-4', 'id-9']
    await using bench = await benchAgainst(
      (identifiers, response) => {
        if (identifiers.every((one) => !good.includes(one))) return status(500)(identifiers, response)
        return identifiers.map((identifier) => ({ identifier, status: 'done' }))
      },
      { SYNC_CONCURRENCY: '1', SYNC_BATCH_SIZE: '1', SYNC_RETRIES: '0' },
    )
    const names = Array.from({ length: 10 }, (_, n) => `id-${n}`)
    await bench.enqueue(names)
    const { run: row, failure } = await run(bench)
    expect(bench.api.requests.flat()).toEqual(names)
    expect(failure).toBeUndefined()
    expect(row).toMatchObject({ status: 'partial', done: 2, released: 8 })
  })

  it.each([401, 403])('detects a refused key (%i) also by a response whose body is broken', async (code) => {
    await using bench = await benchAgainst((_, response) => {
      response.writeHead(code, { 'content-encoding': 'gzip' }).end('no gzip')
      return undefined
    })
    await bench.enqueue(['a'])
    expect((await run(bench)).failure).toBeInstanceOf(ApiKeyRefusedError)
  })

  it('stores no key that an error body repeats', async () => {
    await using bench = await benchAgainst(
      (_, response, request) => {
        response.writeHead(422).end(JSON.stringify({ message: 'invalid', headers: request.headers }))
        return undefined
      },
      { SYNC_MISSING_AFTER: '1' },
    )
    await bench.enqueue(['a'])
    await run(bench)
    const tables = await dumpTables(bench.app.db)
    expect(tables).toContain('[redacted]')
    expect(tables).not.toContain(bench.app.config.apiKey)
  })

  it('releases the claims that wait for the next request, too', async () => {
    await using bench = await benchAgainst(status(401), {
      SYNC_CONCURRENCY: '1',
      SYNC_MAX_URL_BYTES: '1000',
    })
    // One of them fits a request.
    await bench.enqueue(['a', 'b', 'c'].map((letter) => letter.repeat(600)))
    const { run: row } = await run(bench)
    expect(row).toMatchObject({ status: 'failed', claimed: 3, released: 3 })
    expect(await distinctRows(bench)).toEqual([UNTOUCHED])
  })

  it('counts failed requests apart from those over the quota', async () => {
    const statuses = [503, 429]
    await using bench = await benchAgainst((identifiers, response) => {
      const code = statuses.shift()
      if (code === undefined) return identifiers.map((identifier) => ({ identifier, status: 'done' }))
      return void response.writeHead(code, { 'retry-after': '0' }).end()
    })
    await bench.enqueue(['a'])
    const repeated: string[] = []
    const telemetry = { ...bench.app.telemetry, requestRepeated: (why: string) => repeated.push(why) }
    const { run: row } = await executeRun(
      { ...bench.app, telemetry },
      { trigger: 'manual', signal: new AbortController().signal },
    )
    expect([repeated, row.retries, row.throttled]).toEqual([['failed', 'throttled'], 2, 1])
  })

  it('continues when a retry succeeds', async () => {
    let failures = 2
    await using bench = await benchAgainst((identifiers, response) => {
      if (failures-- > 0) return status(503)(identifiers, response)
      return identifiers.map((identifier) => ({ identifier, status: 'done' }))
    })
    await bench.enqueue(['a'])
    const { run: row } = await run(bench)
    expect(row).toMatchObject({ status: 'succeeded', requests: 3, retries: 2, done: 1, error: null })
  })

  it('gives up when the port is closed', async () => {
    await using bench = await benchAgainst(() => [], { SYNC_CONCURRENCY: '1' })
    await bench.api[Symbol.asyncDispose]()
    await using closed = await createTestApp({
      environment: { IDENTIFAI_API_URL: bench.api.url, SYNC_RETRIES: '0', SYNC_BATCH_SIZE: '1' },
    })
    await closed.enqueue(['a', 'b', 'c', 'd', 'e'])
    const { failure } = await run(closed)
    expect(failure).toBeInstanceOf(GaveUpError)
    expect((failure as Error).message).toContain('ECONNREFUSED')
  }, 30_000)

  it('releases its claims when it is interrupted', async () => {
    const controller = new AbortController()
    await using bench = await benchAgainst(() => {
      controller.abort(new Error('interrupted by SIGTERM'))
      return undefined
    })
    await bench.enqueue(Array.from({ length: 500 }, (_, n) => `id-${n}`))
    const { run: row, failure } = await run(bench, controller.signal)
    expect(failure).toBeUndefined()
    expect(row.status).toBe('interrupted')
    expect(row.released).toBe(row.claimed)
    expect(row.claimed).toBeLessThanOrEqual(200)
    expect(await distinctRows(bench)).toEqual([UNTOUCHED])
  })

  it('requests no more identifiers than its limit', async () => {
    await using bench = await benchAgainst((identifiers) =>
      identifiers.map((identifier) => ({ identifier, status: 'done' })),
    )
    await bench.enqueue(Array.from({ length: 250 }, (_, n) => `id-${n}`))
    const { run: row } = await run(bench, undefined, 150)
    expect(row).toMatchObject({ status: 'succeeded', claimed: 150, done: 150, pending_count: 100 })
    expect(bench.api.requests.flat()).toHaveLength(150)
  })

  it('fills the next request with identifiers that do not fit one', async () => {
    await using bench = await benchAgainst(
      (identifiers) => identifiers.map((identifier) => ({ identifier, status: 'done' })),
      {
        SYNC_MAX_URL_BYTES: '4000',
      },
    )
    await bench.enqueue(Array.from({ length: 200 }, (_, n) => n.toString(16).padStart(64, '0')))
    const { run: row } = await run(bench)
    const sizes = bench.api.requests.map((identifiers) => identifiers.length)
    expect(row).toMatchObject({ status: 'succeeded', done: 200 })
    expect(sizes).toEqual([50, 50, 50, 50])
  })

  it('never writes the key anywhere, also where it quotes a page that has the key', async () => {
    await using bench = await benchAgainst(status(200, 'The key test-key-0123456789'), {
      SYNC_RETRIES: '0',
      SYNC_BATCH_SIZE: '1',
    })
    await bench.enqueue(['a', 'b', 'c', 'd', 'e'])
    await run(bench)
    const { rows } = await sql<{ text: string }>`
      select (select json_agg(i)::text from identifai.identifiers i) || (select json_agg(r)::text from identifai.sync_runs r)
        || (select json_agg(q)::text from identifai.api_quota q) as text`.execute(bench.app.db)
    expect(rows[0]?.text).toContain('The key [redacted]')
    expect(rows[0]?.text).not.toContain(bench.app.config.apiKey)
  })
})
