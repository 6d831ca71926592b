import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { World } from '../../src/devkit/simulator/world.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import { migrateUp } from '../../src/platform/postgres/migrate.ts'
import { retryDatabase } from '../../src/platform/postgres/retry-database.ts'
import type { RunTrigger } from '../../src/platform/postgres/tables/runs.ts'
import { createLogger } from '../../src/platform/logger.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { newRun, openRun } from '../../src/pipeline/run/run-rows.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { expectTruth } from '../support/expect-truth.ts'
import { startFaultyApi } from '../support/faulty-api.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { createTestDatabase } from '../support/test-database.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

/** The server's message that a session may begin (protocol 3, message Z, idle). */
const READY_FOR_QUERY = 'Z\0\0\0\u0005I'

/** Makes every write of the event `when` fail with an SQLSTATE for as long as `condition` holds. */
async function failWrites({ app }: TestApp, when: string, sqlstate: string, condition: string) {
  await sql.raw(`create sequence public.tries`).execute(app.db)
  await sql
    .raw(
      `create function public.fail() returns trigger language plpgsql as $$ begin
         if ${condition} then raise exception 'made to fail' using errcode = '${sqlstate}'; end if;
         return new;
       end $$`,
    )
    .execute(app.db)
  await sql
    .raw(`create trigger fail before ${when} for each row execute function public.fail()`)
    .execute(app.db)
}

/** Executes a run after all leases have expired. No run owns a claim whose response was lost until its lease expires. */
async function runAfterLeases(bench: TestApp) {
  await sql`update identifai.identifiers set lease_until = now() - interval '1 second' where lease_until is not null`.execute(
    bench.app.db,
  )
  await bench.makeAllDue()
  await bench.run()
}

/** The last write of a batch, after which all others roll back. */
const OUTCOME = 'update of record_digest on identifai.identifiers'

describe('a write that fails', () => {
  it.each(['40P01', '40001', '57P01', '57P03', '57014', '55P03', '53100', '53300', '25006'])(
    'with %s is repeated, and takes effect once',
    async (sqlstate) => {
      await using bench = await createTestApp()
      const identifiers = bench.simulator.world.register({ count: 150 })
      await bench.enqueue(identifiers)
      // A sequence does not roll back: the first three tries fail.
      await failWrites(bench, OUTCOME, sqlstate, "nextval('public.tries') <= 3")
      expect(await bench.run()).toMatchObject({ status: 'succeeded', requests: 2, changed: 150, released: 0 })
      await expectTruth(bench.database.db, bench.simulator.world, identifiers)
    },
  )

  it.each(['22P05', '54000'])(
    'with %s is repeated record by record, and the culprit is quarantined',
    async (sqlstate) => {
      await using api = await startCannedApi((identifiers) =>
        identifiers.map((identifier) => ({
          identifier,
          status: 'done',
          name: identifier === 'id-7' ? '名前 😀' : 'plain',
        })),
      )
      await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
      await bench.enqueue(Array.from({ length: 100 }, (_, n) => `id-${n}`))
      await failWrites(bench, 'insert on identifai.classifications', sqlstate, "new.name <> 'plain'")
      expect(await bench.run()).toMatchObject({
        status: 'partial',
        requests: 1,
        done: 99,
        quarantined: 1,
      })
      const [evidence] = await bench.app.db.selectFrom('identifai.quarantined_payloads').selectAll().execute()
      expect(evidence).toMatchObject({ identifier: 'id-7', reason: 'unstorable' })
      expect(JSON.parse(evidence?.payload ?? '')).toEqual({
        identifier: 'id-7',
        status: 'done',
        name: '名前 😀',
      })
      expect(evidence?.payload).toMatch(/^[\x20-\x7e]*$/)
      const row = await bench.app.db
        .selectFrom('identifai.identifiers')
        .select(['state', 'due_at', 'leased_by', 'last_confirmed_at'])
        .where('identifier', '=', 'id-7')
        .executeTakeFirst()
      expect(row).toEqual({ state: 'quarantined', due_at: null, leased_by: null, last_confirmed_at: null })
    },
  )
})

it('a write that always fails ends the run, and every claim is released once', async () => {
  await using api = await startCannedApi((identifiers) =>
    identifiers.filter((_, n) => n % 3 > 0).map((identifier) => ({ identifier, status: 'done' })),
  )
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(Array.from({ length: 100 }, (_, n) => `id-${n}`))
  await failWrites(bench, 'insert on identifai.classifications', 'XX000', 'true')
  const { run, failure } = await executeRun(bench.app, {
    trigger: 'manual',
    signal: new AbortController().signal,
  })
  expect((failure as Error).message).toBe('made to fail')
  expect(run).toMatchObject({
    status: 'failed',
    error: 'made to fail',
    claimed: 100,
    released: 100,
    requests: 1,
  })
  const { rows } = await sql`
    select distinct state, attempts, absences, due_at <= now() as due, leased_by from identifai.identifiers`.execute(
    bench.app.db,
  )
  expect(rows).toEqual([{ state: 'pending', attempts: 0, absences: 0, due: true, leased_by: null }])
})

it('a run whose connections are cut repeatedly continues, and counts correctly', async () => {
  const world = new World({ seed: 19, requestsUntilDone: 0 })
  const cuts: number[] = []
  let isSabotaged = true
  // Every third response comes after all sessions were ended, so that a machine of any speed has as many cuts.
  await using api = await startFaultyApi({
    world,
    befalls: (request) => isSabotaged && request % 3 === 0,
    fault: async ({ response, records }) => {
      const { rows } = await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`.execute(saboteur.db)
      cuts.push(rows.length)
      response.setHeader('content-type', 'application/json').end(JSON.stringify(records))
    },
  })
  await using bench = await createTestApp({
    environment: { IDENTIFAI_API_URL: api.url, SYNC_BATCH_SIZE: '10' },
  })
  const identifiers = world.register({ count: 300 })
  await bench.enqueue(identifiers)
  const saboteur = connect({ connectionString: bench.database.url, maxConnections: 1 })
  const run = await bench.run()
  isSabotaged = false
  await saboteur.db.destroy()
  expect(cuts.filter((sessions) => sessions > 0).length).toBeGreaterThanOrEqual(5)
  // A commit whose connection was cut may have taken effect: such claims count as released, and are finished.
  expect(['succeeded', 'partial']).toContain(run.status)
  await runAfterLeases(bench)
  await expectTruth(bench.database.db, world, identifiers)
})

/** Cuts the response to the COMMIT that follows a statement. */
function afterStatement(isIt: (sent: string, response: string) => boolean) {
  let isDone = false
  return (sent: string, response: string) => {
    if (isDone) return response.includes('COMMIT')
    isDone = isIt(sent, response)
    return false
  }
}

it.each<[string, RunTrigger, (sent: string, response: string) => boolean]>([
  [
    'the claim',
    'manual',
    afterStatement(
      (sent, response) => sent.includes('claim_no = i.claim_no + 1') && /UPDATE [1-9]/.test(response),
    ),
  ],
  [
    'the start of the run',
    'manual',
    afterStatement(
      (sent, response) =>
        sent.includes('insert into "identifai"."sync_runs"') && response.includes('INSERT 0 1'),
    ),
  ],
  [
    'the end of the run',
    'manual',
    (sent, response) =>
      /update "identifai"."sync_runs" set "requests".*finished_at/s.test(sent) && response.includes('COMMIT'),
  ],
  [
    'the removal of an empty run',
    'fresh',
    afterStatement(
      (sent, response) =>
        sent.includes('delete from "identifai"."sync_runs"') && response.includes('DELETE 1'),
    ),
  ],
])('a run continues when the response to %s is lost although it took effect', async (_, trigger, cuts) => {
  await using database = await createTestDatabase()
  const url = new URL(database.url)
  await using proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) }, cuts)
  url.host = `127.0.0.1:${proxy.port}`
  await using api = await startCannedApi((identifiers) =>
    identifiers.map((identifier) => ({ identifier, status: 'done' })),
  )
  await using bench = await createTestApp({
    environment: { DATABASE_URL: url.href, IDENTIFAI_API_URL: api.url },
  })
  const count = trigger === 'fresh' ? 0 : 3
  if (count > 0) await bench.enqueue(['a', 'b', 'c'])
  expect(await bench.run({ trigger })).toMatchObject({ claimed: count, done: count, released: 0 })
  expect(proxy.hasCut).toBe(true)
  const runs = await database.db.selectFrom('identifai.sync_runs').select('status').execute()
  expect(runs).toEqual(trigger === 'fresh' ? [] : [{ status: 'succeeded' }])
})

it('a run that claims again after a lost response keeps the leases of its requests in progress', async () => {
  await using database = await createTestDatabase()
  const url = new URL(database.url)
  let claims = 0
  await using proxy = await startTcpProxy(
    { host: url.hostname, port: Number(url.port) },
    (sent, response) => {
      const last = sent.slice(sent.lastIndexOf('claim_no = i.claim_no + 1'))
      if (!last.startsWith('claim_no') || last.includes('begin')) return false
      if (/UPDATE 1/.test(response)) claims++
      return claims === 2 && response.includes('COMMIT')
    },
  )
  url.host = `127.0.0.1:${proxy.port}`
  const waiting: (() => void)[] = []
  await using api = await startCannedApi(([identifier], response) => {
    // No request gets a response before both have arrived.
    waiting.push(() => response.end(JSON.stringify([{ identifier, status: 'done' }])))
    if (waiting.length === 2) for (const respond of waiting) respond()
    return undefined
  })
  await using bench = await createTestApp({
    environment: {
      DATABASE_URL: url.href,
      IDENTIFAI_API_URL: api.url,
      SYNC_BATCH_SIZE: '1',
      SYNC_CONCURRENCY: '2',
    },
  })
  await bench.enqueue(['a', 'b'])
  expect(await bench.run()).toMatchObject({ status: 'succeeded', done: 2, released: 0, requests: 2 })
  expect(proxy.hasCut).toBe(true)
})

it('a broken pipe counts as a lost connection, although its code has the form of an SQLSTATE', async () => {
  const logger = createLogger({ level: 'silent', terminal: false })
  for (const [code, times] of Object.entries({ EPIPE: 2, '42P01': 1 })) {
    let tries = 0
    const work = async () => {
      if (++tries === 1) throw Object.assign(new Error('made to fail'), { code })
    }
    await retryDatabase(work, logger).catch(() => {})
    expect([code, tries]).toEqual([code, times])
  }
})

it('an error of the program is not repeated, and one without a code is a lost connection', async () => {
  const logger = createLogger({ level: 'silent', terminal: false })
  for (const [type, times] of [
    [Error, 2],
    // p-retry itself repeats no TypeError.
    [RangeError, 1],
  ] as const) {
    let tries = 0
    const work = async () => {
      if (++tries === 1) throw new type('made to fail')
    }
    await retryDatabase(work, logger).catch(() => {})
    expect([type.name, tries]).toEqual([type.name, times])
  }
})

it('evidence about a record is stored in a database whose encoding cannot hold the record', async () => {
  await using database = await createTestDatabase(
    'empty',
    "encoding 'LATIN1' locale_provider libc locale 'C' template template0",
  )
  await migrateUp(database.db)
  await using api = await startCannedApi((identifiers) =>
    identifiers.map((identifier) =>
      identifier === 'bad'
        ? { identifier, status: 'done', name: ['名前 😀'] }
        : { identifier, status: 'done' },
    ),
  )
  await using bench = await createTestApp({
    environment: { DATABASE_URL: database.url, IDENTIFAI_API_URL: api.url },
  })
  await bench.enqueue(['bad', ...Array.from({ length: 20 }, (_, n) => `id-${n}`)])
  expect(await bench.run()).toMatchObject({
    status: 'partial',
    done: 20,
    quarantined: 1,
    released: 0,
  })
  const [evidence] = await database.db.selectFrom('identifai.quarantined_payloads').selectAll().execute()
  expect(evidence?.reason).toBe('invalid_payload')
  expect(JSON.parse(evidence?.payload ?? '')).toEqual({
    identifier: 'bad',
    status: 'done',
    name: ['名前 😀'],
  })
})

it('the locks of a session that vanished in the middle of a COPY are released', async () => {
  await using database = await createTestDatabase()
  const url = new URL(database.url)
  let isCopying = false
  await using proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) }, (sent) => {
    // The server waits for the rows from now on.
    if (!isCopying && sent.includes('copy identifai.verdicts')) {
      isCopying = true
      proxy.freeze()
    }
    return false
  })
  url.host = `127.0.0.1:${proxy.port}`
  await using bench = await createTestApp({
    environment: { DATABASE_URL: url.href, SYNC_LEASE_SECONDS: '2' },
  })
  const identifiers = await bench.load({ count: 50 })
  expect(isCopying).toBe(true)
  await runAfterLeases(bench)
  await expectTruth(database.db, bench.simulator.world, identifiers)
})

it('a run detects connections whose other end has vanished, and continues with new ones', async () => {
  await using database = await createTestDatabase()
  const url = new URL(database.url)
  await using proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  url.host = `127.0.0.1:${proxy.port}`
  await using bench = await createTestApp({
    environment: { DATABASE_URL: url.href, SYNC_BATCH_SIZE: '10', SYNC_LEASE_SECONDS: '2' },
  })
  const identifiers = bench.simulator.world.register({ count: 300 })
  await bench.enqueue(identifiers)
  let frozen = 0
  const run = await bench.run({
    onProgress: ({ returned }) => {
      if (frozen === 0 && returned >= 100) frozen = proxy.freeze()
    },
  })
  proxy.hangUp()
  expect(frozen).toBeGreaterThan(0)
  expect(['succeeded', 'partial']).toContain(run.status)
  await runAfterLeases(bench)
  await expectTruth(database.db, bench.simulator.world, identifiers)
})

it('a connection that vanishes while its session is set up is closed, too', async () => {
  await using database = await createTestDatabase()
  const url = new URL(database.url)
  let frozen = 0
  await using proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) }, (_, response) => {
    if (frozen === 0 && response.includes(READY_FOR_QUERY)) frozen = proxy.freeze()
    return false
  })
  url.host = `127.0.0.1:${proxy.port}`
  const { db } = connect({ connectionString: url.href, maxConnections: 1, silenceMs: 500 })
  const selectOne = () => sql<{ one: number }>`select 1 as one`.execute(db)
  await expect(selectOne()).rejects.toThrow(/The database has been silent for 500 ms/)
  expect(frozen).toBe(1)
  expect((await selectOne()).rows).toEqual([{ one: 1 }])
  await db.destroy()
})

it('a connection to a server that has become read-only is dropped, so that the next one can lead to the primary', async () => {
  await using database = await createTestDatabase()
  await database.set('default_transaction_read_only', 'on')
  // Its session stays read-only, as that with a former primary does.
  const { db } = connect({ connectionString: database.url, maxConnections: 1 })
  const write = () => sql`insert into identifai.identifiers (identifier) values ('a')`.execute(db)
  await expect(write()).rejects.toMatchObject({ code: '25006' })
  await database.set('default_transaction_read_only', 'off')
  await write()
  await db.destroy()
})

it('a run that cannot close another one logs it, and goes on', async () => {
  const log: string[] = []
  await using bench = await createTestApp({ onLogLine: (line) => log.push(line) })
  const { db } = bench.app
  const dead = newRun('nightly')
  await openRun(db, dead)
  await sql`update identifai.sync_runs set heartbeat_at = now() - interval '1 hour'`.execute(db)
  await sql
    .raw(`create function public.fail() returns trigger language plpgsql as $$ begin
    if new.run_id = '${dead.runId}' and new.status <> 'running' then raise exception 'made to fail'; end if;
    return new;
  end $$`)
    .execute(db)
  await sql`create trigger fail before update on identifai.sync_runs for each row execute function public.fail()`.execute(
    db,
  )
  await bench.load({ count: 10 })
  expect(log.filter((line) => line.includes('closing a stale run failed'))).toHaveLength(1)
  await sql`drop trigger fail on identifai.sync_runs`.execute(db)
  await bench.run()
  const { status } = await db
    .selectFrom('identifai.sync_runs')
    .select('status')
    .where('run_id', '=', dead.runId)
    .executeTakeFirstOrThrow()
  expect(status).toBe('interrupted')
})

describe('a nightly run beside the leases of another run', () => {
  async function leasedBench(heartbeat: string) {
    const bench = await createTestApp()
    const identifiers = bench.simulator.world.register({ count: 5 })
    await bench.enqueue(identifiers)
    const other = newRun('fresh')
    await openRun(bench.app.db, other)
    await sql`update identifai.identifiers set leased_by = ${other.runId}, lease_until = now() + interval '3 seconds'`.execute(
      bench.app.db,
    )
    await sql`update identifai.sync_runs set heartbeat_at = ${sql.raw(heartbeat)}`.execute(bench.app.db)
    return { bench, other: other.runId }
  }

  it('waits for those of a process that was killed', async () => {
    const { bench } = await leasedBench("now() - interval '10 seconds'")
    await using _ = bench
    expect(await bench.run({ trigger: 'nightly' })).toMatchObject({ status: 'succeeded', claimed: 5 })
  })

  it('leaves those of a living process to it', async () => {
    const { bench, other } = await leasedBench('now()')
    await using _ = bench
    const ended = new AbortController()
    const heartbeats = (async () => {
      for (; !ended.signal.aborted; await sleep(200)) {
        await sql`update identifai.identifiers set lease_until = now() + interval '3 seconds' where leased_by = ${other}`.execute(
          bench.database.db,
        )
        await sql`update identifai.sync_runs set heartbeat_at = clock_timestamp() where run_id = ${other}`.execute(
          bench.database.db,
        )
      }
    })()
    try {
      expect(await bench.run({ trigger: 'nightly' })).toMatchObject({ status: 'succeeded', claimed: 0 })
    } finally {
      ended.abort()
      await heartbeats
    }
  })
})
