import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { createDraw, type Draw } from '../../src/devkit/simulator/draw.ts'
import { World } from '../../src/devkit/simulator/world.ts'
import { requeueState } from '../../src/pipeline/queue/requeue.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import type { Json, JsonObject } from '../../src/platform/json.ts'
import { expectTruth } from '../support/expect-truth.ts'
import { moveTime } from '../support/move-time.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { TEST_SEED } from '../support/test-seed.ts'

/** The numbers that `npm run test:soak` sets, or smaller ones. */
const DAYS = Number(process.env.ADVERSARIAL_DAYS ?? 8)
const IDENTIFIERS = Number(process.env.ADVERSARIAL_IDENTIFIERS ?? 600)
const DAY = 86_400

/** Loses a response: its identifiers have to be requested again. */
type Loss = (response: ServerResponse) => unknown

/** Responses that say nothing about an identifier, with their shares in percent. */
const LOSSES: readonly (readonly [percent: number, what: string, loss: Loss])[] = [
  [2, 'status 429', (response) => response.writeHead(429).end('{"message": "Too Many Attempts."}')],
  [1, 'a fraction as Retry-After', (response) => response.writeHead(429, { 'retry-after': '0.01' }).end()],
  [
    1,
    'nonsense as Retry-After',
    (response) => response.writeHead(429, { 'retry-after': 'in a while' }).end(),
  ],
  [
    1,
    'a past date as Retry-After',
    (response) => response.writeHead(503, { 'retry-after': 'Wed, 01 Jul 2020 09:01:30 GMT' }).end(),
  ],
  [2, 'status 500', (response) => response.writeHead(500).end('{"message": "Server Error"}')],
  [1, 'a reset', (response) => response.socket?.resetAndDestroy()],
  [1, 'a body that breaks off', (response) => response.writeHead(200, JSON_TYPE).end('[{"identifier": "')],
  [
    1,
    'a login page',
    (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>'),
  ],
  [1, 'an envelope', (response) => response.writeHead(200, JSON_TYPE).end('{"data": []}')],
]

const JSON_TYPE = { 'content-type': 'application/json' }

/** Another form of the same records. */
type Form = (
  records: readonly JsonObject[],
  draw: Draw,
) => { readonly list: readonly Json[]; readonly encoding?: string }

/** Forms of a correct response, with their shares in percent. */
const FORMS: readonly (readonly [percent: number, what: string, form: Form])[] = [
  [2, 'gzip', (list) => ({ list, encoding: 'gzip' })],
  [2, 'br', (list) => ({ list, encoding: 'br' })],
  [2, 'deflate', (list) => ({ list, encoding: 'deflate' })],
  [2, 'zstd', (list) => ({ list, encoding: 'zstd' })],
  [4, 'another order', (records, draw) => ({ list: draw.shuffle(records) })],
  [
    2,
    'each record twice',
    (records) => ({ list: [...records.map((record) => ({ ...record, name: 'old' })), ...records] }),
  ],
  [
    2,
    'other records',
    (records) => ({ list: [null, { identifier: 'unrequested', status: 'done' }, ...records] }),
  ],
  [
    4,
    'empty fields',
    (records) => ({
      list: records.map((record) => ({ ...record, errors: [], ref_id: record.ref_id ?? null })),
    }),
  ],
]

const PLAIN: Form = (list) => ({ list })

const ENCODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gzipSync,
  br: brotliCompressSync,
  deflate: deflateSync,
  zstd: zstdCompressSync,
}

/** Draws one of these by its share, or none. */
function drawFrom<T>(
  draw: Draw,
  shares: readonly (readonly [percent: number, what: string, value: T])[],
): T | undefined {
  let at = draw.fraction() * 100
  for (const [percent, , value] of shares) {
    if (at < percent) return value
    at -= percent
  }
  return undefined
}

/** Behaviors of one record during one day, with the shares of the identifiers in percent. */
const RECORDS = {
  'a status that is not documented': 0.5,
  'a field of another type': 0.1,
  'left out': 0.5,
} as const
type RecordBehavior = keyof typeof RECORDS

/** From time to time, a proxy refuses long URLs for some days. */
const LIMITED_DAYS = 5
const LIMITED_URL_BYTES = 4800

/** Of one identifier of the world in a URL, with its name and separator. */
const IDENTIFIER_BYTES = '&identifiers[]='.length + 64

/** The API of a world that draws a behavior for each response and each record. */
class AdversarialApi {
  readonly world = new World({ seed: 31, requestsUntilDone: 2 })
  // Few days may have ten times the requests of others, and their bound needs an average. So a small sample is fixed.
  readonly #draw = createDraw('adversarial', ...(DAYS > 8 ? [TEST_SEED] : []))
  readonly #deleted = new Set<string>()
  readonly #daily = new Map<string, RecordBehavior>()
  /** An unknown identifier makes the API refuse the whole request. */
  #refusesUnknown = false
  #limitedDays = 0
  isFaultless = false
  /** Responses that say nothing about an identifier. */
  lost = 0
  /** Refusals of requests with several identifiers, and of those with one. */
  readonly refused = { several: 0, one: 0 }
  requests = 0

  get draw(): Draw {
    return this.#draw
  }

  get deleted(): ReadonlySet<string> {
    return this.#deleted
  }

  /** Draws the faults of the next day. */
  beginDay(): void {
    const draw = this.#draw
    this.#daily.clear()
    this.#refusesUnknown = !this.isFaultless && draw.chance(0.15)
    this.#limitedDays = Math.max(0, this.#limitedDays - 1)
    if (this.isFaultless) return
    if (this.#limitedDays === 0 && draw.chance(0.03)) this.#limitedDays = LIMITED_DAYS
    for (const identifier of this.world.identifiers) {
      for (const [behavior, percent] of Object.entries(RECORDS)) {
        if (draw.chance(percent / 100)) this.#daily.set(identifier, behavior as RecordBehavior)
      }
    }
  }

  /** The vendor deletes the results of some identifiers permanently. */
  delete(identifiers: readonly string[]): void {
    for (const identifier of identifiers) this.#deleted.add(identifier)
  }

  /** Identifiers of full length that fit one request. */
  get fitting(): number {
    return this.#limitedDays > 0 ? Math.floor(LIMITED_URL_BYTES / IDENTIFIER_BYTES) : 100
  }

  respond(url: string, response: ServerResponse): void {
    const identifiers = new URL(url, 'http://host').searchParams.getAll('identifiers[]')
    this.requests++
    if (this.#limitedDays > 0 && url.length > LIMITED_URL_BYTES)
      return this.#refuse(identifiers, response, 414)
    const known = identifiers.filter((one) => this.world.hashOf(one) !== undefined && !this.#deleted.has(one))
    if (this.#refusesUnknown && known.length < identifiers.length)
      return this.#refuse(identifiers, response, 422)
    const loss = this.isFaultless ? undefined : drawFrom(this.#draw, LOSSES)
    if (loss) {
      this.lost++
      return void loss(response)
    }
    const records = known
      .map((identifier) => this.#recordOf(identifier))
      .filter((record) => record !== undefined)
    const form = (this.isFaultless ? undefined : drawFrom(this.#draw, FORMS)) ?? PLAIN
    const { list, encoding } = form(records, this.#draw)
    const bytes = Buffer.from(JSON.stringify(list))
    response.writeHead(200, { ...JSON_TYPE, ...(encoding && { 'content-encoding': encoding }) })
    response.end(encoding === undefined ? bytes : ENCODERS[encoding]?.(bytes))
  }

  #refuse(identifiers: readonly string[], response: ServerResponse, status: number): void {
    this.refused[identifiers.length > 1 ? 'several' : 'one']++
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"message": "refused"}')
  }

  #recordOf(identifier: string): JsonObject | undefined {
    const record = this.world.respond(identifier)
    if (!record) return undefined
    const behavior = this.#daily.get(identifier)
    if (behavior === 'left out') return undefined
    if (behavior === 'a field of another type') return { ...record, name: 5 }
    return behavior === undefined ? record : { ...record, status: 'queued' }
  }
}

async function dueOf({ app }: TestApp): Promise<number> {
  const { rows } = await sql<{ due: number }>`
    select count(*) as due from identifai.identifiers where due_at <= now()`.execute(app.db)
  return rows[0]?.due ?? Number.NaN
}

it('an API with every documented and every possible behavior stops nothing, and wastes few requests', {
  timeout: 3_600_000,
}, async () => {
  const api = new AdversarialApi()
  const server = createServer((request, response) => {
    api.respond(request.url ?? '/', response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await using bench = await createTestApp({
    environment: {
      IDENTIFAI_API_URL: `http://127.0.0.1:${port}/api`,
      SYNC_RETRY_BASE_MS: '1',
      SYNC_RETRIES: '8',
    },
  })
  const { world, draw } = api
  const unknown: string[] = []
  let least = 0

  /** One nightly and one fresh run. Their results are checked at the end only: none may stop the next one. */
  const day = async (): Promise<void> => {
    api.beginDay()
    for (const trigger of ['nightly', 'fresh'] as const) {
      least += Math.ceil((await dueOf(bench)) / api.fitting)
      await executeRun(bench.app, { trigger, signal: new AbortController().signal })
    }
    await moveTime(bench.app.db, DAY)
  }

  for (let count = 1; count <= DAYS; count++) {
    await bench.enqueue(
      world.register({ count: count === 1 ? IDENTIFIERS / 2 : Math.ceil(IDENTIFIERS / 2 / DAYS) }),
    )
    if (draw.chance(0.2)) {
      const mistakes = Array.from({ length: draw.integer(1, 120) }, (_, n) => `mistake-${count}-${n}`)
      unknown.push(...mistakes)
      await bench.enqueue(mistakes)
    }
    if (count > 2 && draw.chance(0.3))
      api.delete(world.identifiers.slice(0, 5 * count).filter(() => draw.chance(0.5)))
    if (draw.chance(0.5))
      world.override(world.hashOf(draw.pick(world.identifiers)) as string, draw.pick(['human', 'artificial']))
    await day()
  }
  api.isFaultless = true
  world.completeAll()
  await requeueState(bench.app.db, 'quarantined')
  for (let count = 0; count < 2; count++) {
    await bench.makeAllDue()
    await day()
  }
  server.closeAllConnections()
  server.close()

  const present = world.identifiers.filter((identifier) => !api.deleted.has(identifier))
  await expectTruth(bench.app.db, world, present)
  const { rows: others } = await sql<{ identifier: string; state: string; absences: number }>`
    select identifier, state, absences from identifai.identifiers
    where identifier = any(${[...unknown, ...api.deleted]}::text[])`.execute(bench.app.db)
  for (const { identifier, state, absences } of others) {
    expect([identifier, state === 'missing' || absences > 0]).toEqual([identifier, true])
    expect(['missing', 'pending', 'done', 'errored']).toContain(state)
  }
  const { rows: withheld } =
    await sql`select identifier, state, absences, last_error, due_at <= now() as due from identifai.identifiers where withheld_at is not null`.execute(
      bench.app.db,
    )
  expect(withheld).toEqual([])
  // A request that is refused has been made, and one of its halves has to be requested although it may be accepted.
  const { several, one } = api.refused
  const minimum = least + api.lost + 2 * several + one
  console.log(
    `${api.requests} requests, where ${minimum} are needed (${least} due, ${api.lost} lost, ${several} and ${one} refused)`,
  )
  expect(api.requests).toBeLessThan(1.5 * minimum)
})
