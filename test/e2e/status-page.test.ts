import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Browser } from 'playwright-core'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  asShown,
  DESK,
  expectAccessible,
  hasBrowser,
  launchBrowser,
  openPage,
  PHONE,
  SCREENS,
} from '../support/browser.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { HOSTILE } from '../support/hostile-report.ts'
import { type RunningDaemon, startDaemon } from '../support/running-daemon.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { createTestCli, type TestCli } from '../support/test-cli.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let cli: TestCli
beforeAll(() => {
  cli = createTestCli()
})
afterAll(() => cli[Symbol.dispose]())

/** Neither a fresh nor a nightly run starts during a test. */
const QUIET = {
  IDENTIFAI_API_URL: 'http://127.0.0.1:1',
  IDENTIFAI_API_KEY: 'secret-key-0123456789',
  SYNC_FRESH_SCHEDULE: '0 0 1 1 *',
  SYNC_SCHEDULE: '0 2 1 * *',
  SYNC_VERIFY_SCHEDULE: 'off',
  SYNC_TIMEZONE: 'Europe/Rome',
  STATUS_PORT: '0',
  // Half of the other limit, which is 60 a minute.
  SYNC_REQUESTS_PER_SECOND: '0.5',
}

const startPage = (databaseUrl: string) => startDaemon(cli, { ...QUIET, DATABASE_URL: databaseUrl })

/** Reads the page until all of its parts were read, and the database responded in time, which it may not on a busy machine. */
async function readPage({ statusUrl }: Pick<RunningDaemon, 'statusUrl'>): Promise<string> {
  for (;;) {
    const text = await (await fetch(`${statusUrl}/`)).text()
    if (text.includes('content="60"') && !text.includes('<p>Database: ')) return text
    await sleep(50)
  }
}

/** Inserts a nightly run that started some days ago at noon in UTC. */
async function insertNightly(
  db: TestDatabase['db'],
  daysAgo: number,
  status = 'succeeded',
  error: string | null = null,
) {
  await sql`
    insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version, requests, changed, error)
    select gen_random_uuid(), 'nightly', ${status}, at, at + interval '754 seconds', 'h', 1, '0', 340, 5, ${error}
    from (select date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' + interval '12 hours' - make_interval(days => ${daysAgo}) as at) as run`.execute(
    db,
  )
}

/** A database with everything that can need a person, and hostile names. */
async function createBroken(): Promise<TestApp> {
  const label = new Map<string, string>()
  const done = (identifier: string, position: number) => ({
    identifier,
    hash: `hash ${position}`,
    status: 'done',
    name: HOSTILE[position % HOSTILE.length],
    ref_id: HOSTILE[(position + 1) % HOSTILE.length],
    verdict: { classification: 'human', confidence: 0.8 },
    ...(label.has(identifier) && { force_classification: label.get(identifier) }),
  })
  const names = HOSTILE.map((_, position) => `done ${String(position).padStart(2, '0')}`)
  const api = await startCannedApi((requested) =>
    requested.flatMap((identifier): object[] => {
      if (identifier === 'absent') return []
      if (identifier === 'broken') return [{ identifier, status: 'done', verdict: 1 }]
      if (identifier === 'drifting') return [{ identifier, status: 'done', surprise: 1 }]
      return [done(identifier, names.indexOf(identifier))]
    }),
  )
  const bench = await createTestApp({
    environment: { IDENTIFAI_API_URL: api.url, SYNC_MISSING_AFTER: '1' },
  })
  await bench.enqueue([...names, 'absent', 'broken', 'drifting'])
  await bench.run()
  for (const [position, name] of names.entries()) label.set(name, HOSTILE[position % HOSTILE.length] ?? '')
  await bench.makeAllDue()
  await bench.run()
  await api[Symbol.asyncDispose]()
  return bench
}

it.concurrent('the page is off unless it has a port, and then has an address of its own', async () => {
  await using own = await createTestDatabase()
  await using daemon = await startDaemon(cli, {
    ...QUIET,
    DATABASE_URL: own.url,
    STATUS_PORT: undefined,
  })
  expect(daemon.statusUrl).toBeUndefined()
  expect((await fetch(daemon.origin)).status).toBe(404)
  await using withPage = await startPage(own.url)
  expect(withPage.statusUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(withPage.statusUrl).not.toBe(withPage.origin)
  expect((await fetch(`${withPage.statusUrl}/metrics`)).status).toBe(404)
  expect((await fetch(`${withPage.statusUrl}/`, { method: 'POST' })).status).toBe(404)
  const response = await fetch(`${withPage.statusUrl}/`)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  })
})

it.concurrent('only requests to this machine get the page, unless others can reach its address', async () => {
  await using own = await createTestDatabase()
  const statusOf = async (statusUrl: string | undefined, host: string) => {
    const { port } = new URL(String(statusUrl))
    const { statusCode, body } = await request(String(statusUrl), { headers: { host: `${host}:${port}` } })
    return { status: statusCode, text: await body.text() }
  }
  await using daemon = await startPage(own.url)
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    expect(await statusOf(daemon.statusUrl, host), host).toMatchObject({ status: 200 })
  }
  for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example']) {
    const { status, text } = await statusOf(daemon.statusUrl, host)
    expect(status, host).toBe(421)
    expect(text).toContain('Open it as localhost, or let the proxy set the header Host to localhost.')
    expect(text).not.toContain('Queue')
  }
  await using open = await startDaemon(cli, { ...QUIET, DATABASE_URL: own.url, STATUS_HOST: '0.0.0.0' })
  expect(await statusOf(open.statusUrl, 'status.example.com')).toMatchObject({ status: 200 })
})

it.concurrent('a port that is used ends the daemon with a clear error', async () => {
  await using own = await createTestDatabase()
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as { port: number }
  const result = await cli.run(['schedule'], {
    ...QUIET,
    DATABASE_URL: own.url,
    HTTP_PORT: '0',
    STATUS_PORT: String(port),
  })
  other.close()
  expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('Set another STATUS_PORT') })
})

it.concurrent('the page of an empty database shows how to begin', async () => {
  await using own = await createTestDatabase()
  await using daemon = await startPage(own.url)
  const text = await readPage(daemon)
  expect(text).toContain('No identifier is tracked yet.')
  expect(text).toContain('No change of a forced label was observed yet.')
  expect(text).not.toContain('Needs a person')
  expect(text).toContain('There is no nightly run yet.')
  expect(text).not.toContain('no run<')
  expect(text).toContain('No run that requests everything due has succeeded yet, or since the last failure.')
})

it.concurrent('the page has the outcome, duration, requests and changes of the nightly run of each day', async () => {
  await using bench = await createTestApp({ world: { seed: 12 } })
  await bench.load({ count: 250 })
  for (let daysAgo = 34; daysAgo >= 1; daysAgo -= 1) {
    const status =
      daysAgo === 9 ? 'failed' : daysAgo === 8 ? 'interrupted' : daysAgo === 7 ? 'partial' : 'succeeded'
    if (daysAgo !== 11) await insertNightly(bench.app.db, daysAgo, status)
  }
  await using daemon = await startPage(bench.database.url)
  const text = await readPage(daemon)
  const dayAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10)
  const cells = new Map(
    [...text.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].flatMap(([, cell = '']) => {
      const words = cell
        .replace(/<[^>]+>/g, ' ')
        .split(/\s+/)
        .join(' ')
        .trim()
      const [day] = /\d{4}-\d\d-\d\d/.exec(words) ?? []
      return day === undefined ? [] : [[day, words] as const]
    }),
  )
  for (const [days, outcome] of [
    [1, 'succeeded'],
    [7, 'partial'],
    [8, 'interrupted'],
    [9, 'failed'],
  ] as const) {
    expect(cells.get(dayAgo(days)), `${days} days ago`).toMatch(
      new RegExp(`^\\w+day ${dayAgo(days)} ${outcome} 12\\.6 minutes 340 requests 5 changes$`),
    )
  }
  expect(cells.get(dayAgo(11))).toContain('no run')
  expect(text).toContain('Healthy since')
})

it.concurrent('the page is healthy only after everything was read', async () => {
  await using bench = await createTestApp({ world: { seed: 12 } })
  await bench.load({ count: 250 })
  await insertNightly(bench.app.db, 1)
  await using daemon = await startPage(bench.database.url)
  const stop = new AbortController()
  const locked = Promise.withResolvers<void>()
  const holding = bench.app.db.transaction().execute(async (trx) => {
    await sql`lock table identifai.identifiers in access exclusive mode`.execute(trx)
    locked.resolve()
    await once(stop.signal, 'abort')
  })
  const release = async () => {
    stop.abort()
    await holding
  }
  await using _ = { [Symbol.asyncDispose]: release }
  await locked.promise
  const read = async () => (await fetch(`${daemon.statusUrl}/`)).text()
  const text = await eventually(read, '12.6 minutes', 'Being checked')
  expect(text).toContain('Parts of this page were not read yet.')
  expect(text).not.toContain('Healthy')
  await release()
  expect(await readPage(daemon)).toContain('Healthy since')
})

it.concurrent('a database that responds again is shown so before slow readings are repeated', async (context) => {
  await using own = await createTestDatabase()
  await insertNightly(own.db, 1)
  await using daemon = await startPage(own.url)
  await readPage(daemon)
  const read = async () => (await fetch(`${daemon.statusUrl}/`)).text()
  const words = 'Database: no response within 3 seconds'
  await own.db.transaction().execute(async (trx) => {
    await sql`lock table identifai.schema_migrations in access exclusive mode`.execute(trx)
    await eventually(read, words)
  })
  await context.expect.poll(read, { timeout: 50_000 }).not.toContain(words)
})

it.concurrent('the page has each thing that needs a person, with its command, and no secret', async () => {
  await using bench = await createBroken()
  await insertNightly(bench.app.db, 0, 'failed', 'The API refuses the key (401).')
  await sql`
    insert into identifai.verifications (started_at, runs, classifications, findings, first_findings)
    values (now(), 3, 3, 1, 'The row of done 01 differs.')`.execute(bench.app.db)
  await sql`update identifai.api_quota set paused_until = now() + interval '1 hour'`.execute(bench.app.db)
  await using daemon = await startPage(bench.database.url)
  const text = (await readPage(daemon)).replaceAll('&#39;', "'")
  expect(text).toContain('Running, but needs a person')
  expect(text).toContain('of the 1,800 requests that the configured pace allows')
  for (const [problem, command] of [
    ['1 quarantined identifier', 'identifai-sync status --stuck'],
    ['1 missing identifier', 'identifai-sync status --stuck'],
    ['The row of done 01 differs.', 'identifai-sync report verify --tables'],
    ['/surprise (unknown field)', 'identifai-sync doctor --probe'],
    ['decisions on forced labels without an explanation', 'identifai-sync report forced'],
    ['Requests are paused until', 'identifai-sync resume'],
  ]) {
    expect(text).toContain(problem)
    expect(text).toContain(`<code>${command}</code>`)
  }
  for (const secret of ['secret-key', 'postgres:', new URL(bench.database.url).password]) {
    if (secret !== '') expect(text).not.toContain(secret)
  }
})

it.concurrent('the page still comes without a database, and reads nothing while there is no viewer', async () => {
  await using own = await createTestDatabase()
  await insertNightly(own.db, 1)
  const url = new URL(own.url)
  let sentLast = ''
  let hasReadDecisions = false
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) }, (sent) => {
    sentLast = sent
    hasReadDecisions ||= sent.includes('force_decisions')
    return false
  })
  url.host = `127.0.0.1:${proxy.port}`
  await using daemon = await startPage(url.href)
  // The metrics are read from the database, and so would the page be, if it did not wait for a viewer.
  await eventually(() => daemon.metrics(), 'identifai_sync_identifiers{state="done"} 0')
  expect(sentLast).not.toBe('')
  expect(hasReadDecisions).toBe(false)
  await readPage(daemon)
  expect(hasReadDecisions).toBe(true)
  await proxy[Symbol.asyncDispose]()
  const text = await eventually(async () => {
    const response = await fetch(`${daemon.statusUrl}/`)
    expect(response.status).toBe(200)
    return response.text()
  }, 'This cannot be read at the moment.')
  expect(text).toContain('Not healthy')
  expect(text).toContain('The database cannot be reached')
  expect(text).toContain('The last success ended at')
  expect(text).toContain('<code>identifai-sync doctor</code>')
})

async function eventually(read: () => Promise<string>, ...words: string[]): Promise<string> {
  for (;;) {
    const text = await read()
    if (words.every((word) => text.includes(word))) return text
    await sleep(50)
  }
}

describe.skipIf(!hasBrowser)('the status page in a browser', () => {
  let bench: TestApp
  let daemon: RunningDaemon
  let browser: Browser
  beforeAll(async () => {
    bench = await createBroken()
    for (const daysAgo of [0, 1, 2, 4, 5])
      await insertNightly(bench.app.db, daysAgo, daysAgo === 2 ? 'failed' : 'succeeded')
    daemon = await startPage(bench.database.url)
    await readPage(daemon)
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser.close()
    await daemon[Symbol.asyncDispose]()
    await bench[Symbol.asyncDispose]()
  })

  const open = async (options: Parameters<typeof openPage>[2], query = '') => {
    await readPage(daemon)
    return openPage(browser, `${daemon.statusUrl}/${query}`, options)
  }

  it('runs no script, requests nothing but itself, and shows hostile texts as text', async () => {
    const { page, noise } = await open(DESK)
    await page.waitForLoadState('networkidle')
    // A browser requests the icon of every site.
    expect(noise.filter((line) => !line.endsWith('/favicon.ico'))).toEqual([`request: ${daemon.statusUrl}/`])
    expect(await page.locator('script, img, iframe, link, object, a[href^="javascript"]').count()).toBe(0)
    const text = (await page.locator('body').textContent()) ?? ''
    for (const hostile of HOSTILE.slice(0, 10)) expect(text).toContain(asShown(hostile))
    expect(await page.locator('meta[http-equiv="refresh"]').getAttribute('content')).toBe('60')
    expect(await page.getByText('Stop this').getAttribute('href')).toBe('?refresh=off')
  })

  it.each(SCREENS)('has no axe-core violations: %s', async (_, options) => {
    // A page that loads again by itself does not suit everyone, so that it can be turned off.
    const { page } = await open(options, '?refresh=off')
    expect(await page.locator('meta[http-equiv="refresh"]').count()).toBe(0)
    await expectAccessible(page)
  })

  it.each([
    ['desk', DESK],
    ['phone', PHONE],
  ])('has nothing wider than the screen at the width of a %s', async (_, options) => {
    const { page } = await open(options)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
      options.viewport.width,
    )
  })
})
