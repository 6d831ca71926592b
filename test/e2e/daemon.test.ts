import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestCli, type TestCli } from '../support/test-cli.ts'
import { type CannedApi, startCannedApi } from '../support/canned-api.ts'
import { startDaemon } from '../support/running-daemon.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { until } from '../support/waits.ts'

let cli: TestCli
beforeAll(() => {
  cli = createTestCli()
})
afterAll(() => cli[Symbol.dispose]())

const done = (identifiers: readonly string[]) =>
  identifiers.map((identifier) => ({ identifier, status: 'done' }))

/** The settings that a daemon needs. */
const settingsOf = (own: TestDatabase, api: CannedApi) => ({
  DATABASE_URL: own.url,
  IDENTIFAI_API_URL: api.url,
  IDENTIFAI_API_KEY: 'key',
})

async function track(database: TestDatabase, identifiers: readonly string[]): Promise<void> {
  await sql`insert into identifai.identifiers (identifier) select unnest(${identifiers}::text[])`.execute(
    database.db,
  )
}

/** Inserts a nightly run of an earlier daemon. */
async function insertNightlyRun(database: TestDatabase, at: Date, status = 'succeeded'): Promise<void> {
  await sql`
    insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version)
    values (gen_random_uuid(), 'nightly', ${status}, ${at}, ${at}, 'h', 1, '0')`.execute(database.db)
}

const MINUTE = 60_000
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * MINUTE)

it.concurrent('the daemon requests identifiers that are inserted by SQL, counts them in its metrics, and stops cleanly', async () => {
  await using own = await createTestDatabase()
  await using api = await startCannedApi(done)
  await using daemon = await startDaemon(cli, settingsOf(own, api))
  expect(await daemon.readiness()).toEqual({ status: 200, ready: true, problems: [], last_success_at: null })
  expect(await (await fetch(`${daemon.origin}/livez`)).json()).toEqual({ live: true })
  await track(own, ['a', 'b'])
  await daemon.logged(({ msg }) => msg === 'run ended')
  expect(api.requests).toEqual([['a', 'b']])
  const { rows } = await sql`select identifier, status from identifai.classifications order by 1`.execute(
    own.db,
  )
  expect(rows).toEqual(done(['a', 'b']))
  const counted = await daemon.metrics()
  for (const line of [
    'identifai_sync_identifiers{state="done"} 2',
    'identifai_sync_identifiers{state="missing"} 0',
    'identifai_sync_requests_total{status_class="2xx"} 1',
    'identifai_sync_requests_total{status_class="5xx"} 0',
    'identifai_sync_request_duration_seconds_count 1',
    'identifai_sync_identifiers_claimed_total 2',
    'identifai_sync_contents_changed_total 2',
    // For each identifier: the classification, its revision, its personal values and its payload.
    'identifai_sync_rows_written_total 8',
    'identifai_sync_database_up 1',
  ]) {
    expect(counted.split('\n')).toContain(line)
  }
  // A run without work has no row, and still counts.
  expect(
    await daemon.metric('identifai_sync_runs_total{trigger="fresh",status="succeeded"}'),
  ).toBeGreaterThan(0)
  expect(counted).toContain('identifai_sync_runs_total{trigger="nightly",status="succeeded"} 0')
  expect(await daemon.metric('identifai_sync_last_success_timestamp_seconds')).toBeUndefined()
  daemon.signal('SIGTERM')
  expect(await daemon.ended).toBe(143)
})

it.concurrent('metrics show the previous counts while a query takes long, and the database is up', async () => {
  await using own = await createTestDatabase()
  await using api = await startCannedApi(done)
  await using daemon = await startDaemon(cli, settingsOf(own, api))
  await track(own, ['a', 'b'])
  const known = async () => (await daemon.metric('identifai_sync_identifiers{state="done"}')) === 2
  await until(known)
  await own.db.transaction().execute(async (trx) => {
    await sql`lock table identifai.identifiers in access exclusive mode`.execute(trx)
    // Longer than the timeout after which a database counts as down.
    for (const endsAt = performance.now() + 7000; performance.now() < endsAt; await sleep(500)) {
      expect(await known()).toBe(true)
      expect(await daemon.metric('identifai_sync_database_up')).toBe(1)
    }
  })
})

it.concurrent('two daemons share the work, also that of a missed nightly run: each identifier is requested once', async () => {
  await using own = await createTestDatabase()
  const [nightly, fresh] = ['nightly', 'fresh'].map((name) =>
    Array.from({ length: 1000 }, (_, n) => `${name}-${n}`),
  ) as [string[], string[]]
  // A daemon sends two requests per run at a time, so the fifth is from the other one. None gets a response before it.
  const waiting: (() => void)[] = []
  await using api = await startCannedApi((requested, response) => {
    if (api.requests.length > 5) return done(requested)
    waiting.push(() => response.end(JSON.stringify(done(requested))))
    if (api.requests.length === 5) for (const respond of waiting) respond()
    return undefined
  })
  await track(own, nightly)
  // A priority that only nightly runs request.
  await sql`update identifai.identifiers set priority = -10`.execute(own.db)
  await insertNightlyRun(own, minutesAgo(3 * 24 * 60))
  const environment = settingsOf(own, api)
  const daemons = await Promise.all([startDaemon(cli, environment), startDaemon(cli, environment)])
  await using both = new AsyncDisposableStack()
  for (const daemon of daemons) both.use(daemon)
  // Both daemons start a fresh run in the same second.
  await track(own, fresh)
  const identifiers = [...nightly, ...fresh]
  await until(async () => api.requests.flat().length >= identifiers.length)
  // Two more runs, for which nothing is due.
  for (const daemon of daemons) {
    const { log } = daemon
    const { length } = log
    await daemon.logged((event) => event.msg === 'nothing due' && log.indexOf(event) > length + 1)
  }
  expect(api.requests.flat().toSorted()).toEqual(identifiers.toSorted())
  const { rows } = await sql`
    select (select count(*)::integer from identifai.classifications) as classifications,
      (select count(*)::integer from identifai.classification_revisions) as revisions,
      (select count(distinct pid)::integer from identifai.sync_runs where claimed > 0) as processes`.execute(
    own.db,
  )
  expect(rows).toEqual([{ classifications: 2000, revisions: 2000, processes: 2 }])
})

it.concurrent('the daemon prunes payloads by age after a nightly run, by a role that can do nothing else', async () => {
  await using own = await createTestDatabase()
  const contents = ['a', 'b']
  await using api = await startCannedApi((identifiers) =>
    identifiers.map((identifier) => ({ identifier, status: 'done', name: contents[0] })),
  )
  const settings = settingsOf(own, api)
  await track(own, ['a'])
  for (; contents.length > 0; contents.shift()) await cli.call(['sync', '--refresh-all'], settings)
  await sql`alter table identifai.classification_revisions disable trigger user`.execute(own.db)
  await sql`update identifai.classification_revisions set observed_at = now() - interval '3 days'`.execute(
    own.db,
  )
  const role = `maintenance of ${new URL(own.url).pathname.slice(1)}`
  await sql`create role ${sql.id(role)} login password 'p'`.execute(own.db)
  try {
    expect((await cli.call(['grant-maintenance', role], settings)).stdout).toContain('can prune and redact')
    const maintenance = new URL(own.url)
    maintenance.username = encodeURIComponent(role)
    maintenance.password = 'p'
    // Its role is enough for prune.
    const alone = { MAINTENANCE_DATABASE_URL: maintenance.href }
    const tried = await cli.call(['prune', '--payloads-older-than', '2d', '--dry-run'], alone)
    expect(tried).toEqual({ code: 0, stdout: '1 payload of 2 would be removed.\n', stderr: '' })
    const environment = { ...settings, PAYLOAD_RETENTION_DAYS: '2' }
    expect(await cli.call(['schedule'], environment)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('PAYLOAD_RETENTION_DAYS needs MAINTENANCE_DATABASE_URL'),
    })
    await insertNightlyRun(own, minutesAgo(3 * 24 * 60))
    await using daemon = await startDaemon(cli, {
      ...environment,
      MAINTENANCE_DATABASE_URL: maintenance.href,
    })
    expect(await daemon.logged(({ msg }) => msg === 'payloads pruned')).toMatchObject({
      removed: 1,
      stored: 1,
    })
    const { rows } = await sql`select kind, identifiers, database_role from identifai.actions`.execute(own.db)
    expect(rows).toEqual([{ kind: 'prune', identifiers: 1, database_role: role }])
  } finally {
    await sql`drop owned by ${sql.id(role)}`.execute(own.db)
    await sql`drop role ${sql.id(role)}`.execute(own.db)
  }
})

it.concurrent('a daemon that was killed in a nightly run makes up for it when it starts again', async () => {
  await using own = await createTestDatabase()
  const identifiers = Array.from({ length: 300 }, (_, n) => `id-${n}`)
  let isHanging = true
  await using api = await startCannedApi((requested) =>
    isHanging && api.requests.length > 1 ? undefined : done(requested),
  )
  await track(own, identifiers)
  // A priority that only nightly runs request.
  await sql`update identifai.identifiers set priority = -10`.execute(own.db)
  await insertNightlyRun(own, minutesAgo(3 * 24 * 60))
  const environment = { ...settingsOf(own, api), SYNC_LEASE_SECONDS: '2', SYNC_CONCURRENCY: '1' }
  {
    await using daemon = await startDaemon(cli, environment)
    // One batch is loaded. The second one never gets a response.
    await until(async () => {
      const { rows } = await sql`select from identifai.classifications`.execute(own.db)
      return rows.length === 100 && api.requests.length >= 2
    })
    daemon.signal('SIGKILL')
    expect(await daemon.ended).toBe('SIGKILL')
  }
  isHanging = false
  await until(async () => {
    const { rows } = await sql`select 1 from identifai.sync_runs
      where status = 'running' and heartbeat_at < now() - interval '2 seconds'`.execute(own.db)
    return rows.length > 0
  })
  await using daemon = await startDaemon(cli, environment)
  await daemon.logged(({ msg, trigger }) => msg === 'run ended' && trigger === 'nightly')
  const { rows: runs } = await sql`select status, claimed from identifai.sync_runs
    where trigger = 'nightly' and pid <> 1 order by started_at`.execute(own.db)
  expect(runs).toEqual([
    { status: 'interrupted', claimed: expect.any(Number) },
    { status: 'succeeded', claimed: 200 },
  ])
  const { rows } =
    await sql`select (select count(*)::integer from identifai.classifications) as classifications,
    (select count(*)::integer from identifai.classification_revisions) as revisions`.execute(own.db)
  expect(rows).toEqual([{ classifications: 300, revisions: 300 }])
})

it.concurrent.each([
  ['a successful one is not repeated', 'succeeded', 0],
  ['an interrupted one is repeated', 'interrupted', 1],
])('the last nightly run at the start: %s', async (_, status, runs) => {
  await using own = await createTestDatabase()
  await using api = await startCannedApi(done)
  const nightlyTime = new Date(Math.floor(+minutesAgo(5) / MINUTE) * MINUTE)
  await insertNightlyRun(own, new Date(+nightlyTime + 1000), status)
  await using daemon = await startDaemon(cli, {
    ...settingsOf(own, api),
    SYNC_SCHEDULE: `${nightlyTime.getUTCMinutes()} * * * *`,
  })
  await daemon.logged(({ msg }) => msg === 'nothing due')
  if (runs > 0) await daemon.logged(({ msg, trigger }) => msg === 'run started' && trigger === 'nightly')
  const { rows } = await sql`select 1 from identifai.sync_runs where trigger = 'nightly'`.execute(own.db)
  expect(rows).toHaveLength(1 + runs)
})

it.concurrent('a missed verification is made up for at the start, and its findings are in status and metrics', async () => {
  await using own = await createTestDatabase()
  await using api = await startCannedApi(done)
  const environment = settingsOf(own, api)
  await track(own, ['a', 'b'])
  expect(await cli.run(['sync'], environment)).toMatchObject({ code: 0 })
  await sql`update identifai.classifications set name = 'forged' where identifier = 'a'`.execute(own.db)
  await sql`insert into identifai.verifications (started_at, runs, classifications, findings)
    values (now() - interval '8 days', 0, 0, 0)`.execute(own.db)
  await using daemon = await startDaemon(cli, environment)
  await daemon.logged(({ msg }) => msg === 'verification found differences')
  await until(async () => (await daemon.metric('identifai_sync_verification_findings')) === 1)
  expect(await daemon.metric('identifai_sync_last_verification_timestamp_seconds')).toBeGreaterThan(
    Number(minutesAgo(60)) / 1000,
  )
  const { stdout } = await cli.run(['status'], environment)
  expect(stdout).toContain('has 1 finding, of which the first are:')
  expect(stdout).toMatch(/classifications \(classification_id \d+\) differs from the history in: name\./)
  expect(stdout).not.toContain('forged')
  const { rows } = await sql`select findings from identifai.verifications order by started_at`.execute(own.db)
  expect(rows).toEqual([{ findings: 0 }, { findings: 1 }])
})

it.concurrent('a daemon stops in the middle of a verification, which stores no result', async () => {
  await using own = await createTestDatabase()
  await using api = await startCannedApi(done)
  await sql`insert into identifai.verifications (started_at, runs, classifications, findings)
    values (now() - interval '8 days', 0, 0, 0)`.execute(own.db)
  const lock = await own.pool.connect()
  await lock.query('begin; lock table identifai.revision_payloads')
  await using daemon = await startDaemon(cli, settingsOf(own, api))
  await daemon.logged(({ msg }) => msg === 'verification started')
  daemon.signal('SIGTERM')
  await daemon.logged(({ msg }) => msg === 'daemon stopping')
  await lock.query('rollback')
  lock.release()
  expect(await daemon.ended).toBe(143)
  expect(daemon.log.map(({ msg }) => msg)).not.toContain('verification ended')
  const { rows } = await sql`select from identifai.verifications`.execute(own.db)
  expect(rows).toHaveLength(1)
})

it.concurrent('a stopping daemon is not ready, and finishes its current work', async () => {
  await using own = await createTestDatabase()
  await using api = await startCannedApi(() => undefined)
  await track(own, ['a'])
  await using daemon = await startDaemon(cli, settingsOf(own, api))
  await until(async () => api.requests.length > 0)
  // The run aborts its current request quickly, so the lock keeps it from ending.
  const lock = await own.pool.connect()
  await lock.query('begin; lock table identifai.identifiers')
  daemon.signal('SIGTERM')
  await daemon.logged(({ msg }) => msg === 'daemon stopping')
  expect(await daemon.readiness()).toMatchObject({ status: 503, ready: false, problems: ['it is stopping'] })
  await lock.query('rollback')
  lock.release()
  expect(await daemon.ended).toBe(143)
  const { rows } = await sql`select status, claimed, released from identifai.sync_runs`.execute(own.db)
  expect(rows).toEqual([{ status: 'interrupted', claimed: 1, released: 1 }])
})

it.concurrent('a daemon survives the loss of its database, and reports the problem meanwhile', async () => {
  await using own = await createTestDatabase()
  const url = new URL(own.url)
  await using api = await startCannedApi(done)
  const target = { host: url.hostname, port: Number(url.port) }
  const proxy = await startTcpProxy(target)
  url.host = `127.0.0.1:${proxy.port}`
  await using daemon = await startDaemon(cli, {
    DATABASE_URL: url.href,
    IDENTIFAI_API_URL: api.url,
    IDENTIFAI_API_KEY: 'key',
    // Once a month, because a nightly run during the test would change the last success.
    SYNC_SCHEDULE: '0 2 1 * *',
    SYNC_FRESH_SCHEDULE: '*/5 * * * * *',
  })
  const lastSuccess = minutesAgo(60)
  await insertNightlyRun(own, lastSuccess)
  expect(await daemon.readiness()).toMatchObject({ status: 200, last_success_at: lastSuccess.toISOString() })
  // Between two runs, because a run in progress repeats its operation for a minute, and only then fails.
  await daemon.logged(({ msg }) => msg === 'nothing due')
  await proxy[Symbol.asyncDispose]()
  await until(async () => (await daemon.readiness()).status === 503)
  const away = await daemon.readiness()
  expect(away.problems.join()).toContain('The database cannot be reached')
  expect(away.last_success_at).toBe(lastSuccess.toISOString())
  await daemon.logged(({ msg, trigger }) => msg === 'run failed' && trigger === 'fresh')
  expect(await daemon.metric('identifai_sync_runs_total{trigger="fresh",status="failed"}')).toBeGreaterThan(0)
  await track(own, ['a'])
  await using _ = await startTcpProxy(target, () => false, proxy.port)
  await until(async () => (await daemon.readiness()).status === 200)
  await until(async () => api.requests.length > 0)
})

it.concurrent('each run reads the current secrets', async () => {
  await using own = await createTestDatabase()
  const role = `rotating_${randomUUID()}`
  await sql`create role ${sql.id(role)} superuser login password 'first-password'`.execute(own.db)
  try {
    const urlWith = (password: string) => {
      const url = new URL(own.url)
      url.username = role
      url.password = password
      return url.href
    }
    const [databaseFile, keyFile] = ['database', 'key'].map((name) =>
      path.join(cli.folder, `${role}.${name}`),
    )
    writeFileSync(String(databaseFile), `${urlWith('first-password')}\n`)
    writeFileSync(String(keyFile), 'first-key\n')
    const keys: unknown[] = []
    await using api = await startCannedApi((requested, _, request) => {
      keys.push(request.headers['x-api-key'])
      return done(requested)
    })
    await using daemon = await startDaemon(cli, {
      DATABASE_URL_FILE: String(databaseFile),
      IDENTIFAI_API_KEY_FILE: String(keyFile),
      IDENTIFAI_API_URL: api.url,
    })
    await track(own, ['a'])
    await until(async () => keys.length === 1)
    await sql`alter role ${sql.id(role)} password 'second-password'`.execute(own.db)
    writeFileSync(String(databaseFile), urlWith('second-password'))
    writeFileSync(String(keyFile), 'second-key')
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${role}`.execute(own.db)
    // A current run continues with the old secrets. The next one reads the new ones.
    const { log } = daemon
    const { length } = log
    await daemon.logged((event) => event.msg === 'nothing due' && log.indexOf(event) > length)
    await track(own, ['b'])
    await until(async () => keys.length === 2)
    expect(keys).toEqual(['first-key', 'second-key'])
    expect(await daemon.readiness()).toMatchObject({ status: 200 })
    for (const secret of ['first-password', 'second-password', 'first-key', 'second-key']) {
      expect(JSON.stringify(daemon.log)).not.toContain(secret)
    }
  } finally {
    await sql`drop role ${sql.id(role)}`.execute(own.db)
  }
})

it.concurrent('a daemon continues after a failed run', async () => {
  await using own = await createTestDatabase()
  let isRefused = true
  await using api = await startCannedApi((requested, response) => {
    if (!isRefused) return done(requested)
    response.statusCode = 401
    return {}
  })
  await track(own, ['a'])
  await using daemon = await startDaemon(cli, settingsOf(own, api))
  const failed = await daemon.logged(({ msg }) => msg === 'run failed')
  expect(failed).toMatchObject({
    level: 'error',
    err: { message: expect.stringContaining('refuses the key (401)') },
  })
  isRefused = false
  await daemon.logged(({ msg, status }) => msg === 'run ended' && status === 'succeeded')
  expect(await daemon.metric('identifai_sync_requests_total{status_class="4xx"}')).toBeGreaterThan(0)
  expect(await daemon.metric('identifai_sync_identifiers{state="done"}')).toBe(1)
})

it.concurrent('a daemon with a wrong setup does not start, and reports why', async () => {
  await using own = await createTestDatabase()
  await using empty = await createTestDatabase('empty')
  await using api = await startCannedApi(done)
  const environment = settingsOf(own, api)
  const wrong = {
    SYNC_SCHEDULE: '0 2 * *',
    SYNC_FRESH_SCHEDULE: '61 * * * *',
    SYNC_VERIFY_SCHEDULE: 'never',
    SYNC_TIMEZONE: 'Europe/Atlantis',
  }
  const { port } = new URL(api.url)
  for (const [settings, code, words] of [
    [
      wrong,
      2,
      [
        'SYNC_SCHEDULE must be',
        'it needs 5 fields, not 4',
        'SYNC_FRESH_SCHEDULE must be',
        '61 cannot be the minute',
        'SYNC_VERIFY_SCHEDULE must be a cron expression, such as 0 2 * * *, or off (it needs 5 fields, not 1)',
        'SYNC_TIMEZONE must be',
      ],
    ],
    [
      { HTTP_PORT: port },
      2,
      [`Cannot listen on 127.0.0.1:${port}`, 'another process uses', 'Set another HTTP_PORT'],
    ],
    [{ HTTP_HOST: '192.0.2.1' }, 2, ['this machine has no such address', 'HTTP_HOST']],
    [{ DATABASE_URL: empty.url }, 5, ['identifai-sync migrate']],
  ] as const) {
    const result = await cli.run(['schedule'], { ...environment, ...settings })
    for (const word of words) expect(result.stderr).toContain(word)
    expect(result).toMatchObject({ code, stdout: '' })
  }
})

it.concurrent('an old daemon writes nothing after a newer version has migrated, and reports it', async () => {
  await using own = await createTestDatabase()
  await using api = await startCannedApi(done)
  await using daemon = await startDaemon(cli, settingsOf(own, api))
  await daemon.logged(({ msg }) => msg === 'nothing due')
  await sql`insert into identifai.schema_migrations (name, timestamp) values ('9999-later', now()::text)`.execute(
    own.db,
  )
  const failed = await daemon.logged(({ msg }) => msg === 'run failed')
  expect(failed).toMatchObject({
    err: { message: expect.stringContaining('migrated by a newer identifai-sync') },
  })
  await track(own, ['a'])
  expect(await daemon.readiness()).toMatchObject({
    status: 503,
    problems: [expect.stringContaining('migrated by a newer identifai-sync')],
  })
  const length = daemon.log.length
  await daemon.logged((event) => event.msg === 'run failed' && daemon.log.indexOf(event) > length)
  expect(api.requests).toEqual([])
  await sql`delete from identifai.schema_migrations where name = '9999-later'`.execute(own.db)
  await daemon.logged(({ msg }) => msg === 'run ended')
  expect(await daemon.readiness()).toMatchObject({ status: 200 })
})
