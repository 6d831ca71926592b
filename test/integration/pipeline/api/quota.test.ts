import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { GaveUpError, PauseTooLongError } from '../../../../src/platform/errors.ts'
import { createLogger } from '../../../../src/platform/logger.ts'
import { endPauses, readPause } from '../../../../src/pipeline/api/pause.ts'
import { Quota } from '../../../../src/pipeline/api/quota.ts'
import { executeRun } from '../../../../src/pipeline/run/execute-run.ts'
import { startCannedApi } from '../../../support/canned-api.ts'
import { readClock } from '../../../../src/platform/postgres/clock.ts'
import { createTestDatabase } from '../../../support/test-database.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'

/**
 * 9 a second, and 60 in 12 s. The runs use a tenth less, because the margin is short for a busy machine.
 * test/soak has the documented times and the whole quota.
 */
const WINDOWS = [
  { windowMs: 1000, requests: 9 },
  { windowMs: 12_000, requests: 60 },
]
const QUOTA = { SYNC_REQUESTS_PER_SECOND: '9', SYNC_REQUESTS_PER_MINUTE: '270', SYNC_BATCH_SIZE: '1' }
/** More than one window allows, so that the test crosses its edges. */
const REQUESTS = 66

const logger = createLogger({ level: 'silent', terminal: false })
const never = new AbortController().signal

async function share(bench: TestApp, workers: number) {
  const apps = Array.from({ length: workers }, () => bench.app)
  const results = await Promise.all(apps.map((app) => executeRun(app, { trigger: 'manual', signal: never })))
  return results.map(({ run }) => run)
}

describe('the shared quota', () => {
  // All run at the same time, because they mostly wait.
  it.concurrent.each([
    ['sliding', 1],
    ['fixed', 1],
    ['sliding', 4],
    ['fixed', 4],
  ] as const)('is never exceeded, over a %s window, by %i runs at the same time', async (kind, processes) => {
    await using bench = await createTestApp({ quota: { kind, windows: WINDOWS }, environment: QUOTA })
    await bench.enqueue(bench.simulator.world.register({ count: REQUESTS }))
    const runs = await share(bench, processes)
    expect(bench.simulator.stats).toMatchObject({ requests: REQUESTS, throttled: 0 })
    expect(runs.map((run) => run.throttled)).toEqual(runs.map(() => 0))
    expect(runs.reduce((sum, run) => sum + run.done + run.errored, 0)).toBe(REQUESTS)
  })

  it('gives a slot to an urgent request before a request that can wait', async () => {
    await using database = await createTestDatabase()
    const quota = () =>
      new Quota({ db: database.db, logger, apiKey: 'k', requestsPerSecond: 5, requestsPerMinute: 300 })
    const [nightly, fresh] = [quota(), quota()]
    await fresh.takeSlot({ urgent: true, signal: never })
    // None of the three finds a free slot, also on a busy machine.
    await sql`update identifai.api_quota set next_slot_at = now() + interval '2 seconds'`.execute(database.db)
    const order: string[] = []
    await Promise.all([
      nightly.takeSlot({ urgent: false, signal: never }).then(() => order.push('nightly')),
      fresh.takeSlot({ urgent: true, signal: never }).then(() => order.push('fresh')),
      fresh.takeSlot({ urgent: true, signal: never }).then(() => order.push('fresh')),
    ])
    expect(order).toEqual(['fresh', 'fresh', 'nightly'])
  })

  it('delays requests that had a slot already when another process set a pause', async () => {
    await using database = await createTestDatabase()
    const quota = new Quota({
      db: database.db,
      logger,
      apiKey: 'k',
      requestsPerSecond: 1,
      requestsPerMinute: 60,
    })
    const nextSlot = async () =>
      (await database.db.selectFrom('identifai.api_quota').select('next_slot_at').executeTakeFirstOrThrow())
        .next_slot_at
    await quota.takeSlot({ urgent: true, signal: never })
    const before = await nextSlot()
    const waiting = quota.takeSlot({ urgent: true, signal: never })
    await expect.poll(nextSlot, { interval: 5 }).not.toEqual(before)
    await quota.pause(1500)
    const { rows } = await sql<{ until: string; isLater: boolean }>`
      select to_char(paused_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as until,
        paused_until > next_slot_at - interval '1 second' as "isLater"
      from identifai.api_quota`.execute(database.db)
    // The pause ends after the slot that the request has.
    expect(rows[0]?.isLater).toBe(true)
    expect((await waiting) > (rows[0]?.until ?? '')).toBe(true)
  })

  it('never shortens a pause, and gives slots again when it is ended', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const quota = new Quota({ db, logger, apiKey: 'k', requestsPerSecond: 10, requestsPerMinute: 600 })
    await quota.takeSlot({ urgent: true, signal: never })
    await quota.pause(240_000)
    const until = await readPause(db)
    await quota.pause(10)
    expect(until).not.toBeNull()
    expect(await readPause(db)).toEqual(until)
    await sql`update identifai.api_quota set next_slot_at = now() + interval '4 minutes'`.execute(db)
    await endPauses(db)
    expect(await readPause(db)).toBeNull()
    await quota.takeSlot({ urgent: false, signal: AbortSignal.timeout(10_000) })
  })

  it('shows the latest end of the pauses of all keys', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const pauseOf = async (apiKey: string, pauseMs: number) => {
      const quota = new Quota({ db, logger, apiKey, requestsPerSecond: 10, requestsPerMinute: 600 })
      await quota.takeSlot({ urgent: true, signal: never })
      await quota.pause(pauseMs)
      return readPause(db)
    }
    const latest = await pauseOf('one', 240_000)
    expect(await pauseOf('other', 120_000)).toEqual(latest)
    await endPauses(db)
    expect(await readPause(db)).toBeNull()
  })

  it('proves a key by requests that the API accepted within a day, with this key', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const open = (apiKey: string) =>
      new Quota({ db, logger, apiKey, requestsPerSecond: 10, requestsPerMinute: 600 })
    const [key, other] = [open('k'), open('other')]
    await key.takeSlot({ urgent: true, signal: never })
    expect(await key.acceptedWithinDay()).toBe(false)
    await key.accepted()
    expect([await key.acceptedWithinDay(), await other.acceptedWithinDay()]).toEqual([true, false])
    await sql`update identifai.api_quota set last_accepted_at = now() - interval '25 hours'`.execute(db)
    expect(await key.acceptedWithinDay()).toBe(false)
  })

  it('takes another slot when the end of a pause gave its own away', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const quota = new Quota({ db, logger, apiKey: 'k', requestsPerSecond: 10, requestsPerMinute: 600 })
    const nextSlot = () =>
      db.selectFrom('identifai.api_quota').select('next_slot_at').executeTakeFirstOrThrow()
    await quota.takeSlot({ urgent: true, signal: never })
    await quota.pause(1000)
    const before = await nextSlot()
    const waiting = quota.takeSlot({ urgent: true, signal: never })
    await expect.poll(nextSlot, { interval: 5 }).not.toEqual(before)
    await endPauses(db)
    // The request has a slot at which no other request can leave.
    const leftAt = await waiting
    const { rows } =
      await sql`select from identifai.api_quota where next_slot_at > ${leftAt}::timestamptz`.execute(db)
    expect(rows).toHaveLength(1)
  })

  it('ignores a slot and a pause that are further ahead than any can be, because a clock was set back', async () => {
    await using database = await createTestDatabase()
    const open = () =>
      new Quota({ db: database.db, logger, apiKey: 'k', requestsPerSecond: 10, requestsPerMinute: 600 })
    await open().takeSlot({ urgent: true, signal: never })
    for (const column of ['next_slot_at', 'paused_until']) {
      await sql`update identifai.api_quota set ${sql.ref(column)} = now() + interval '3 hours'`.execute(
        database.db,
      )
      for (const urgent of [true, false])
        await open().takeSlot({ urgent, signal: AbortSignal.timeout(10_000) })
    }
  })

  it('takes another slot when the request would leave long after its own', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    const quota = new Quota({ db, logger, apiKey: 'k', requestsPerSecond: 10, requestsPerMinute: 600 })
    await quota.takeSlot({ urgent: true, signal: never })
    // The database is slow once: at the second statement, which reads the clock after the wait for the slot. A third one takes
    // another slot.
    await sql`create sequence public.statements`.execute(db)
    await sql`
      create function public.is_ready() returns boolean language plpgsql as $$ begin
        if nextval('public.statements') = 2 then perform pg_sleep(1); end if;
        return true;
      end $$`.execute(db)
    await sql`alter table identifai.api_quota rename to stored_quota`.execute(db)
    await sql`create view identifai.api_quota as select * from identifai.stored_quota where public.is_ready()`.execute(
      db,
    )
    await sql`update identifai.stored_quota set next_slot_at = now() + interval '2 seconds'`.execute(db)
    await quota.takeSlot({ urgent: true, signal: never })
    const { rows } = await sql<{
      statements: number
    }>`select last_value as statements from public.statements`.execute(db)
    expect(rows[0]?.statements).toBeGreaterThanOrEqual(3)
  })

  it.each([
    ['takes a slot ahead for new identifiers', true],
    ['waits for a free slot for refreshes', false],
  ])('%s', async (_, isNew) => {
    const log: string[] = []
    await using bench = await createTestApp({ onLogLine: (line) => log.push(line) })
    const { db } = bench.app
    await bench.load({ count: 1, outcome: 'done' })
    if (isNew) await bench.enqueue(bench.simulator.world.register({ count: 1 }))
    else await bench.makeAllDue()
    await sql`update identifai.api_quota set next_slot_at = now() + interval '4 minutes'`.execute(db)
    const readSlot = async () => {
      const { rows } = await sql<{
        at: string
      }>`select next_slot_at::text as at from identifai.api_quota`.execute(db)
      return rows[0]?.at
    }
    const before = await readSlot()
    const stop = new AbortController()
    const running = executeRun(bench.app, { trigger: 'manual', signal: stop.signal })
    await expect.poll(() => log.join()).toContain('waiting for a request slot')
    const after = await readSlot()
    stop.abort(new Error('test'))
    await running
    expect(after !== before).toBe(isNew)
  })

  it('logs a wait of more than a minute for a slot', async () => {
    await using database = await createTestDatabase()
    const log: string[] = []
    const quota = new Quota({
      db: database.db,
      logger: createLogger({
        level: 'warn',
        terminal: false,
        destination: { write: (line) => log.push(line) },
      }),
      apiKey: 'k',
      requestsPerSecond: 10,
      requestsPerMinute: 600,
    })
    await quota.takeSlot({ urgent: true, signal: never })
    await sql`update identifai.api_quota set next_slot_at = now() + interval '2 minutes'`.execute(database.db)
    const stop = new AbortController()
    const waiting = quota.takeSlot({ urgent: true, signal: stop.signal })
    await expect.poll(() => log.join()).toContain('waiting for a request slot')
    stop.abort()
    await expect(waiting).rejects.toThrow()
  })

  describe('after a 429', () => {
    async function create() {
      const database = await createTestDatabase()
      const { db } = database
      const open = () => new Quota({ db, logger, apiKey: 'k', requestsPerSecond: 10, requestsPerMinute: 600 })
      const quota = open()
      const first = await quota.takeSlot({ urgent: true, signal: never })
      return {
        quota,
        other: open(),
        first,
        throttle: async (requestedAt?: string) => {
          const at = requestedAt ?? (await readClock(db))
          quota.throttled(at)
          return quota.pauseForQuota(0, at)
        },
        now: () => readClock(db),
        set: (columns: string) => sql`update identifai.api_quota set ${sql.raw(columns)}`.execute(db),
        slowdown: async () =>
          (await db.selectFrom('identifai.api_quota').select('slowdown').executeTakeFirst())?.slowdown,
        [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
      }
    }

    it('keeps the pace if it was the only one', async () => {
      await using own = await create()
      expect(await own.throttle()).toBe(1)
    })

    it('makes requests a tenth slower with every other one, up to ten times', async () => {
      await using own = await create()
      const slowdowns = [await own.throttle(), await own.throttle(), await own.throttle()]
      expect(slowdowns.map((slowdown) => slowdown.toFixed(4))).toEqual(['1.0000', '1.1000', '1.2100'])
      for (let n = 0; n < 25; n++) await own.throttle()
      expect(await own.slowdown()).toBe(10)
    })

    it('does not count a request that had left before the pace changed', async () => {
      await using own = await create()
      await own.throttle()
      expect(await own.throttle(own.first)).toBe(1)
      expect(own.quota.throttled(own.first)).toBe(1)
      expect(own.quota.throttled(await own.now())).toBe(2)
    })

    it('is faster with every accepted request, and never faster than configured', async () => {
      await using own = await create()
      await own.set('slowdown = 1.004, throttled_at = now()')
      await own.quota.accepted()
      expect(await own.slowdown()).toBeCloseTo(1.004 * 0.997, 9)
      await own.quota.accepted()
      expect(await own.slowdown()).toBe(1)
    })

    it('is at the configured pace again after an hour without another one', async () => {
      await using own = await create()
      await own.set("slowdown = 5, throttled_at = now() - interval '61 minutes'")
      expect(await own.throttle()).toBe(1)
    })

    it('spaces the slots of all processes by the slower pace', async () => {
      await using own = await create()
      await own.set("slowdown = 10, throttled_at = now(), next_slot_at = now() - interval '1 second'")
      const one = await own.quota.takeSlot({ urgent: true, signal: never })
      const next = await own.other.takeSlot({ urgent: true, signal: never })
      // A tenth of a second as configured.
      expect(Date.parse(next) - Date.parse(one)).toBeGreaterThan(900)
    })
  })

  it('works again after its first statement has failed', async () => {
    await using database = await createTestDatabase()
    const quota = new Quota({
      db: database.db,
      logger,
      apiKey: 'k',
      requestsPerSecond: 99,
      requestsPerMinute: 6000,
    })
    await sql`alter table identifai.api_quota rename to elsewhere`.execute(database.db)
    await expect(quota.takeSlot({ urgent: true, signal: never })).rejects.toThrow('api_quota')
    await sql`alter table identifai.elsewhere rename to api_quota`.execute(database.db)
    expect(await quota.takeSlot({ urgent: true, signal: never })).toMatch(/Z$/)
  })

  it('stores a fingerprint of the key, a different one for each key', async () => {
    await using database = await createTestDatabase()
    for (const apiKey of ['key-one', 'key-two']) {
      const quota = new Quota({
        db: database.db,
        logger,
        apiKey,
        requestsPerSecond: 2,
        requestsPerMinute: 60,
      })
      await quota.takeSlot({ urgent: true, signal: never })
    }
    const rows = await database.db.selectFrom('identifai.api_quota').select('key_fingerprint').execute()
    expect(rows).toHaveLength(2)
    expect(JSON.stringify(rows)).not.toContain('key-')
  })
})

it('a 503 with Retry-After makes all processes wait, and uses a retry', async () => {
  let isDown = true
  await using api = await startCannedApi((identifiers, response) => {
    if (!isDown) return identifiers.map((identifier) => ({ identifier, status: 'done' }))
    isDown = false
    response.writeHead(503, { 'retry-after': '1' }).end()
    return undefined
  })
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  expect(await bench.run()).toMatchObject({ status: 'succeeded', requests: 2, retries: 1, throttled: 0 })
  const { rows } = await sql<{ pausedMs: number; slowdown: number }>`
    select extract(epoch from q.paused_until - r.started_at)::float8 * 1000 as "pausedMs", slowdown
    from identifai.api_quota q, identifai.sync_runs r`.execute(bench.app.db)
  expect(rows[0]?.pausedMs).toBeGreaterThanOrEqual(900)
  expect(rows[0]?.slowdown).toBe(1)
})

describe('a 429', () => {
  /** Refuses the first `times` requests, then returns records. */
  function throttling(times: number, headers: () => Record<string, string>) {
    let left = times
    return startCannedApi((identifiers, response) => {
      if (left-- <= 0) return identifiers.map((identifier) => ({ identifier, status: 'done' }))
      response.writeHead(429, headers()).end('{"message": "Too Many Attempts."}')
      return undefined
    })
  }

  it.concurrent.each<[string, () => Record<string, string>, number]>([
    ['without Retry-After', () => ({}), 0],
    ['with Retry-After in seconds', () => ({ 'retry-after': '1' }), 900],
    ['with Retry-After as a date', () => ({ 'retry-after': new Date(Date.now() + 2000).toUTCString() }), 900],
  ])('%s makes all requests wait and uses no retry', async (_, headers, leastPauseMs) => {
    await using api = await throttling(3, headers)
    await using bench = await createTestApp({
      environment: { IDENTIFAI_API_URL: api.url, SYNC_RETRIES: '0', SYNC_CONCURRENCY: '1' },
    })
    await bench.enqueue(['a'])
    const run = await bench.run()
    expect(run).toMatchObject({ status: 'succeeded', requests: 4, throttled: 3, done: 1 })
    const { rows } = await sql<{ pausedMs: number }>`
      select extract(epoch from q.paused_until - r.started_at)::float8 * 1000 as "pausedMs"
      from identifai.api_quota q, identifai.sync_runs r`.execute(bench.app.db)
    expect(rows[0]?.pausedMs).toBeGreaterThan(leastPauseMs * 3)
  })

  it.each([
    [15, 'succeeded'],
    [16, 'failed'],
  ])(
    'ends a run when it comes more than fifteen times in a row: after %i the run has %s',
    async (times, status) => {
      await using api = await throttling(times, () => ({ 'retry-after': '0' }))
      await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
      await bench.enqueue(['a'])
      const { run, failure } = await executeRun(bench.app, { trigger: 'manual', signal: never })
      expect(run).toMatchObject({ status, throttled: times })
      if (status === 'failed') expect(failure).toBeInstanceOf(PauseTooLongError)
    },
  )

  it('with a pause of more than five minutes keeps the next runs from sending requests, too', async () => {
    await using api = await throttling(1, () => ({ 'retry-after': '3600' }))
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(['a'])
    for (let time = 0; time < 3; time++) {
      const { run, failure } = await executeRun(bench.app, { trigger: 'manual', signal: never })
      expect(failure).toBeInstanceOf(PauseTooLongError)
      expect(run).toMatchObject({ status: 'failed', released: 1 })
      expect(run.error).toMatch(
        /pause \(Retry-After\) of (an hour or more|60 minutes),.* Run again after that\./,
      )
    }
    expect(api.requests).toHaveLength(1)
  })

  it('with a pause of more than five minutes ends the run, and changes nothing', async () => {
    await using api = await throttling(1, () => ({ 'retry-after': '301' }))
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(['a'])
    const { run, failure } = await executeRun(bench.app, { trigger: 'manual', signal: never })
    expect(failure).toBeInstanceOf(PauseTooLongError)
    expect(failure).not.toBeInstanceOf(GaveUpError)
    expect(run).toMatchObject({ status: 'failed', requests: 1, throttled: 1, released: 1 })
    expect(run.error).toContain('6 minutes')
    const row = await bench.app.db
      .selectFrom('identifai.identifiers')
      .select(['state', 'attempts'])
      .executeTakeFirst()
    expect(row).toEqual({ state: 'pending', attempts: 0 })
  })
})
