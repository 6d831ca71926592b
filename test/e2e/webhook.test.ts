import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { readNotifications } from '../../src/operations/webhook/read-notifications.ts'
import { notificationSchema } from '../../src/operations/webhook/notification.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { startDaemon } from '../support/running-daemon.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { createTestCli, type TestCli } from '../support/test-cli.ts'
import { until } from '../support/waits.ts'

let cli: TestCli
beforeAll(() => {
  cli = createTestCli()
})
afterAll(() => cli[Symbol.dispose]())

const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`

interface Received {
  readonly id: string
  readonly body: { readonly type: string; readonly timestamp: string; readonly data: Record<string, unknown> }
  readonly text: string
  readonly authorization: string | undefined
}

/** A receiver that checks each signature with the library of the specification. `respond` sends the response. */
async function startReceiver(respond: (received: Received, response: ServerResponse) => unknown) {
  const all: Received[] = []
  const server = createServer((message: IncomingMessage, response) => {
    let text = ''
    message.on('data', (bytes) => {
      text += String(bytes)
    })
    message.on('end', () => {
      const body = new Webhook(SECRET).verify(
        text,
        message.headers as Record<string, string>,
      ) as Received['body']
      const { 'webhook-id': id, authorization } = message.headers
      const received = { id: String(id), body, text, authorization }
      all.push(received)
      respond(received, response)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    all,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

const accept = (_: Received, response: ServerResponse) => response.writeHead(204).end()

/** An API whose labels and records a test changes. */
async function createStage() {
  const records = new Map<string, object>()
  const api = await startCannedApi((requested) =>
    requested.map((identifier) => ({
      identifier,
      hash: identifier,
      status: 'done',
      name: 'personal.wav',
      verdict: { classification: 'human', confidence: 0.8 },
      ...records.get(identifier),
    })),
  )
  const bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  return {
    bench,
    api,
    /** Executes a run in which these identifiers have these records. */
    run: async (changes: Readonly<Record<string, object>>) => {
      for (const [identifier, record] of Object.entries(changes)) records.set(identifier, record)
      await bench.makeAllDue()
      await bench.run()
    },
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
    },
  }
}

const settingsOf = (bench: TestApp, url: string) => ({
  DATABASE_URL: bench.database.url,
  IDENTIFAI_API_URL: 'http://127.0.0.1:1',
  IDENTIFAI_API_KEY: 'key',
  SYNC_FRESH_SCHEDULE: '0 0 1 1 *',
  SYNC_SCHEDULE: '0 2 1 * *',
  SYNC_VERIFY_SCHEDULE: 'off',
  FORCE_WEBHOOK_URL: url,
  FORCE_WEBHOOK_SECRET: SECRET,
})

const idsOf = (received: readonly Received[]) => received.map(({ id }) => id)

/** Waits until the daemon has its position, because it reports only runs that are sealed afterwards. */
async function hasPosition({ app }: TestApp): Promise<void> {
  await until(async () => {
    const { rows } = await sql`select from identifai.webhook_position`.execute(app.db)
    return rows.length > 0
  })
}

it.concurrent('each force event and each quarantined record after the start arrives once, signed, in the order of the chain', async () => {
  await using stage = await createStage()
  const { bench } = stage
  await bench.enqueue(['a', 'b', 'c', 'd'])
  await stage.run({})
  await stage.run({ d: { force_classification: 'artificial' } })
  await using receiver = await startReceiver(accept)
  await using daemon = await startDaemon(cli, settingsOf(bench, receiver.url))
  await hasPosition(bench)
  await stage.run({ b: { force_classification: 'artificial' }, c: { verdict: 1 } })
  await stage.run({ a: { force_classification: 'human' }, b: { force_classification: 'human' } })
  await stage.run({ b: {} })
  await until(() => receiver.all.length >= 5)
  expect(
    receiver.all.map(({ body: { type, data } }) => [
      type,
      data.identifier,
      data.event,
      data.forced_from,
      data.forced_to,
    ]),
  ).toEqual([
    ['force.observed', 'b', 'forced', null, 'artificial'],
    ['record.quarantined', 'c', undefined, undefined, undefined],
    ['force.observed', 'a', 'forced', null, 'human'],
    ['force.observed', 'b', 'force_changed', 'artificial', 'human'],
    ['force.observed', 'b', 'unforced', 'human', null],
  ])
  expect(new Set(idsOf(receiver.all)).size).toBe(5)
  const schema = JSON.parse(
    readFileSync(path.resolve(import.meta.dirname, '../../docs/webhook.schema.json'), 'utf8'),
  ) as object
  expect(schema).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(notificationSchema))))
  const validate = new Ajv2020({ strict: false }).compile(schema)
  for (const { body, text } of receiver.all) {
    expect(validate(body), JSON.stringify(validate.errors)).toBe(true)
    expect(text).not.toContain('personal.wav')
  }
  const { rows } = await sql<{ not_before: string; not_after: string }>`
    select to_char(not_before at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as not_before,
      to_char(not_after at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as not_after
    from identifai_reporting.force_events where identifier = 'a'`.execute(bench.app.db)
  expect(receiver.all[2]?.body.data).toMatchObject(rows[0] as object)
  expect(JSON.stringify(daemon.log)).not.toContain('whsec_')
})

it.concurrent('a receiver that refuses or hangs up gets each notification again, in order, after the pause that it requires, and none is lost', async () => {
  await using stage = await createStage()
  const { bench } = stage
  await bench.enqueue(['a', 'b', 'c'])
  await stage.run({})
  const failures: ((response: ServerResponse) => unknown)[] = [
    // The pause is longer than any delay of its own after the first failure.
    (response) => response.writeHead(500, { 'retry-after': '3' }).end('x'.repeat(100_000)),
    (response) => response.destroy(),
    (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    // It was received, but its response is lost, so it comes again.
    (response) => response.socket?.destroy(),
  ]
  await using receiver = await startReceiver((_, response) => {
    const failure = failures.shift()
    if (failure) failure(response)
    else response.writeHead(200).end()
  })
  const url = receiver.url.replace('//', '//us%40er:pass%20word@')
  await using daemon = await startDaemon(cli, settingsOf(bench, url))
  await hasPosition(bench)
  const force = { force_classification: 'artificial' }
  await stage.run({ a: force, b: force, c: force })
  await until(() => receiver.all.length >= 7)
  const ids = idsOf(receiver.all)
  const [first, second, third] = [...new Set(ids)]
  expect(ids).toEqual([first, first, first, first, first, second, third])
  const { delayMs } = await daemon.logged(
    ({ msg, reason }) => msg === 'webhook delivery failed' && String(reason).includes('500'),
  )
  expect(delayMs).toBe(3000)
  await daemon.logged(({ msg }) => msg === 'webhook delivered')
  for (const { authorization } of receiver.all) expect(authorization).toBe(`Basic ${btoa('us@er:pass word')}`)
})

it.concurrent('a receiver without a response delays neither a run nor the end of the daemon, and status reports it', async () => {
  await using stage = await createStage()
  const { bench } = stage
  await bench.enqueue(['a'])
  await stage.run({})
  await using receiver = await startReceiver(() => {})
  await using daemon = await startDaemon(cli, {
    ...settingsOf(bench, receiver.url),
    IDENTIFAI_API_URL: stage.api.url,
    SYNC_FRESH_SCHEDULE: '* * * * * *',
  })
  await hasPosition(bench)
  await stage.run({ a: { force_classification: 'artificial' } })
  await until(() => receiver.all.length === 1)
  await bench.enqueue(['b'])
  await daemon.logged(({ msg, trigger }) => msg === 'run ended' && trigger === 'fresh')
  await daemon.logged(
    ({ msg, reason }) => msg === 'webhook delivery failed' && String(reason).includes('15 seconds'),
  )
  await until(async () => Number(await daemon.metric('identifai_sync_webhook_failing_seconds')) > 0)
  const { stdout } = await cli.run(['status'], { DATABASE_URL: bench.database.url })
  expect(stdout).toContain('has accepted no notification since')
  daemon.signal('SIGTERM')
  expect(await daemon.ended).toBe(143)
})

it.concurrent('a notification that cannot be read is no failure of the receiver, and status has the reason', async () => {
  await using stage = await createStage()
  const { bench } = stage
  const { db } = bench.app
  await bench.enqueue(['a'])
  await stage.run({})
  await using receiver = await startReceiver(async (_, response) => {
    await sql`alter table identifai.quarantined_payloads rename to payloads_elsewhere`.execute(db)
    response.writeHead(200).end()
  })
  await using daemon = await startDaemon(cli, settingsOf(bench, receiver.url))
  await hasPosition(bench)
  await stage.run({ a: { force_classification: 'artificial' } })
  await daemon.logged(({ msg }) => msg === 'webhook query failed')
  const hasError = async () => {
    const { rows } = await sql`select from identifai.webhook_position where last_error is not null`.execute(
      db,
    )
    return rows.length > 0
  }
  await until(hasError)
  const { stdout } = await cli.run(['status'], { DATABASE_URL: bench.database.url })
  expect(stdout).toContain('the next notification could not be read: relation')
  expect(daemon.log.filter(({ msg }) => msg === 'webhook delivery failed')).toEqual([])
  await sql`alter table identifai.payloads_elsewhere rename to quarantined_payloads`.execute(db)
  await until(async () => !(await hasError()))
  expect(idsOf(receiver.all)).toHaveLength(1)
})

it.concurrent('a daemon that is killed is succeeded from its stored position, and of two daemons one delivers', async () => {
  await using stage = await createStage()
  const { bench } = stage
  const names = Array.from({ length: 8 }, (_, n) => `id-${n}`)
  await bench.enqueue(names)
  await stage.run({})
  // The third notification of the first daemon never has a response.
  await using receiver = await startReceiver((_, response) => {
    if (receiver.all.length !== 3) response.writeHead(200).end()
  })
  const first = await startDaemon(cli, settingsOf(bench, receiver.url))
  await hasPosition(bench)
  await stage.run(Object.fromEntries(names.map((name) => [name, { force_classification: 'artificial' }])))
  await until(() => receiver.all.length === 3)
  await first[Symbol.asyncDispose]()
  // Instead of a wait for the lease of the dead process.
  await sql`update identifai.webhook_position set lease_until = now()`.execute(bench.app.db)
  await using both = new AsyncDisposableStack()
  for (let n = 0; n < 2; n += 1) both.use(await startDaemon(cli, settingsOf(bench, receiver.url)))
  await until(() => new Set(idsOf(receiver.all)).size === names.length)
  // The notification that had no response comes again, and no other.
  const ids = idsOf(receiver.all)
  const each = [...new Set(ids)]
  expect(ids).toEqual(each.toSpliced(3, 0, each[2] as string))
})

it.concurrent('a change that was observed before its run began, as in a replay, is among the notifications', async () => {
  await using stage = await createStage()
  const { db } = stage.bench.app
  await stage.bench.enqueue(['a'])
  await stage.run({})
  await stage.run({ a: { force_classification: 'artificial' } })
  await sql`alter table identifai.classification_revisions disable trigger user`.execute(db)
  await sql`update identifai.classification_revisions set observed_at = observed_at - interval '1 day'`.execute(
    db,
  )
  const start = { chain_position: 1, classification_id: 0, revision_no: 0, quarantine_id: 0 }
  const steps = await Array.fromAsync(readNotifications(db, start))
  expect(steps.flatMap(({ notification }) => notification?.data.identifier ?? [])).toEqual(['a'])
  expect(steps.at(-1)).toEqual({ position: { ...start, chain_position: 3 }, notification: null })
})

it.concurrent.each([
  [{ FORCE_WEBHOOK_SECRET: undefined }, 'FORCE_WEBHOOK_URL and FORCE_WEBHOOK_SECRET need each other'],
  [{ FORCE_WEBHOOK_SECRET: 'short' }, 'FORCE_WEBHOOK_SECRET must be whsec_'],
  [{ FORCE_WEBHOOK_URL: 'ftp://x' }, 'FORCE_WEBHOOK_URL must be an http or https URL'],
])('the settings %o are refused', async (settings, words) => {
  const result = await cli.run(['schedule'], {
    DATABASE_URL: 'postgresql://127.0.0.1:1/x',
    IDENTIFAI_API_KEY: 'key',
    FORCE_WEBHOOK_URL: 'https://receiver.example',
    FORCE_WEBHOOK_SECRET: SECRET,
    ...settings,
  })
  expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining(words) })
})
