import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { requestTimestamps } from '../../../../src/compliance/timestamp/request-timestamps.ts'
import type { SyncConfig } from '../../../../src/platform/config/config.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'
import {
  HAS_OPENSSL,
  startTimestampAuthority,
  type TimestampAuthority,
} from '../../../support/timestamp-authority.ts'

const NEVER = new AbortController().signal

/** The reply with another status: an integer of one byte, in a sequence of its own. */
function withStatus(status: number, reply: Buffer): Buffer {
  reply[reply.indexOf(Buffer.from([48, 3, 2, 1])) + 4] = status
  return reply
}

describe.skipIf(!HAS_OPENSSL)('a sealed run', () => {
  let authority: TimestampAuthority
  let bench: TestApp
  let logged: Record<string, unknown>[]
  let respond: TimestampAuthority['respond']
  beforeAll(async () => {
    authority = await startTimestampAuthority()
    respond = authority.respond
    bench = await createTestApp({ onLogLine: (line) => logged.push(JSON.parse(line)) })
  })
  beforeEach(() => {
    logged = []
    authority.respond = respond
  })
  afterAll(async () => {
    await bench[Symbol.asyncDispose]()
    await authority[Symbol.asyncDispose]()
  })

  /** Executes a run, and requests the timestamps of its head. */
  async function runWith(urls: readonly string[], signal = NEVER, more: Partial<SyncConfig> = {}) {
    const run = await bench.run()
    const config = { ...bench.app.config, sealTimestampUrl: urls, ...more }
    await requestTimestamps({ ...bench.app, config }, run, signal)
    const tokens = await bench.app.db
      .selectFrom('identifai.chain_timestamps')
      .select(['authority', 'token'])
      .where('chain_position', '=', run.chain_position as number)
      .orderBy('authority')
      .execute()
    const failures = logged.filter(({ msg }) => msg === 'timestamp request failed')
    return { run, tokens, failures }
  }

  it('gets a timestamp that OpenSSL verifies against its checkpoint', async () => {
    const { run, tokens, failures } = await runWith([authority.url])
    expect(failures).toEqual([])
    expect(tokens).toMatchObject([{ authority: authority.url }])
    expect(authority.requests.at(-1)).toMatchObject({ 'content-type': 'application/timestamp-query' })
    const first = await bench.app.db
      .selectFrom('identifai.sync_runs')
      .select('run_id')
      .where('chain_position', '=', 1)
      .executeTakeFirstOrThrow()
    const root = Buffer.from(String(run.chain_head), 'hex').toString('base64')
    const checkpoint = `identifai-sync/${first.run_id}\n${run.chain_position}\n${root}\n`
    writeFileSync(path.join(authority.folder, 'checkpoint.txt'), checkpoint)
    writeFileSync(path.join(authority.folder, 'token.tsr'), tokens[0]?.token ?? '')
    const files = ['-data', 'checkpoint.txt', '-in', 'token.tsr', '-CAfile', 'root.pem']
    expect(authority.openssl('ts', '-verify', ...files)).toBe('Verification: OK\n')
  })

  it('gets a timestamp that is granted with modifications', async () => {
    authority.respond = (query, response) => response.end(withStatus(1, authority.reply(query)))
    expect(await runWith([authority.url])).toMatchObject({
      tokens: [{ authority: authority.url }],
      failures: [],
    })
  })

  it.each<[string, RegExp, TimestampAuthority['respond']]>([
    ['an error', /^status 500$/, (_, response) => response.writeHead(500).end('x')],
    [
      'a redirect',
      /^status 302$/,
      (_, response) => response.writeHead(302, { location: authority.url }).end(),
    ],
    ['a page', /TimeStampResp/, (_, response) => response.end('<html></html>')],
    ['nothing', /TimeStampResp/, (_, response) => response.end()],
    ['two megabytes', /max size/, (_, response) => response.end(Buffer.alloc(2_000_000))],
    [
      'a timestamp of other data',
      /^the reply is a timestamp of other data$/,
      (_, response) => response.end(authority.reply(authority.query('-digest', '0'.repeat(64)))),
    ],
    [
      'a timestamp for another request',
      /^the reply is to another request$/,
      (query, response) => {
        const at = query.indexOf(Buffer.from([4, 32])) + 2
        const digest = query.subarray(at, at + 32).toString('hex')
        response.end(authority.reply(authority.query('-cert', '-digest', digest)))
      },
    ],
    [
      'a timestamp without a nonce',
      /^the reply is to another request$/,
      (query, response) => {
        const at = query.indexOf(Buffer.from([4, 32])) + 2
        const digest = query.subarray(at, at + 32).toString('hex')
        response.end(authority.reply(authority.query('-no_nonce', '-digest', digest)))
      },
    ],
    [
      'a rejection',
      /^the authority granted no timestamp \(rejection: /,
      (_, response) => response.end(authority.reply(authority.query('-sha512', '-digest', '0'.repeat(128)))),
    ],
    [
      'a rejection with a timestamp',
      /^the authority granted no timestamp \(rejection\)$/,
      (query, response) => response.end(withStatus(2, authority.reply(query))),
    ],
  ])('logs that an authority returned %s, and the next run gets a timestamp', async (_, reason, wrong) => {
    authority.respond = wrong
    const { run, tokens, failures } = await runWith([authority.url])
    expect(tokens).toEqual([])
    expect(failures).toEqual([
      expect.objectContaining({
        level: 'warn',
        authority: authority.url,
        chainPosition: run.chain_position,
        reason: expect.stringMatching(reason),
      }),
    ])
    authority.respond = respond
    expect((await runWith([authority.url])).tokens).toHaveLength(1)
  })

  it('logs that an authority does not reply in time', async () => {
    authority.respond = () => {}
    const { tokens, failures } = await runWith([authority.url], NEVER, { requestTimeoutMs: 100 })
    expect([tokens, failures]).toMatchObject([[], [{ reason: expect.stringContaining('timeout') }]])
  })

  it('gets a timestamp from one authority when another one fails', async () => {
    const down = createServer().listen(0, '127.0.0.1')
    await once(down, 'listening')
    const { port } = down.address() as AddressInfo
    down.close()
    const { tokens, failures } = await runWith([`http://127.0.0.1:${port}/`, authority.url])
    expect(tokens).toMatchObject([{ authority: authority.url }])
    expect(failures).toMatchObject([
      { authority: `http://127.0.0.1:${port}/`, reason: expect.stringMatching('ECONNREFUSED') },
    ])
  })

  it('sends user and password to the authority, and neither logs nor stores them', async () => {
    const url = new URL(authority.url)
    url.username = 'us%40er'
    url.password = 'secret%20'
    const { tokens } = await runWith([url.href])
    expect(authority.requests.at(-1)?.authorization).toBe(`Basic ${btoa('us@er:secret ')}`)
    expect(tokens).toMatchObject([{ authority: authority.url }])
    authority.respond = (_, response) => response.writeHead(401).end()
    const { failures } = await runWith([url.href])
    expect(failures).toMatchObject([{ authority: authority.url, reason: 'status 401' }])
    expect(JSON.stringify(logged)).not.toContain('secret')
  })

  it('requests a timestamp through the proxy, but not from loopback', async () => {
    // The authority is also the proxy: it responds to a request for any host.
    const httpsProxy = new URL(authority.url).origin
    const proxied = await runWith(['http://tsa.test/'], NEVER, { httpsProxy })
    expect(proxied.tokens).toMatchObject([{ authority: 'http://tsa.test/' }])
    const direct = await runWith([authority.url], NEVER, { httpsProxy: 'http://127.0.0.1:9' })
    expect(direct.tokens).toMatchObject([{ authority: authority.url }])
  })

  it('that is interrupted does not wait for the reply of an authority', async () => {
    const controller = new AbortController()
    authority.respond = () => controller.abort(new Error('interrupted'))
    const { tokens, failures } = await runWith([authority.url], controller.signal, { requestTimeoutMs: 5000 })
    expect([tokens, failures]).toMatchObject([[], [{ reason: 'interrupted' }]])
  })

  it('that was interrupted requests nothing', async () => {
    const before = authority.requests.length
    const { tokens, failures } = await runWith([authority.url], AbortSignal.abort())
    expect([tokens, failures, authority.requests.length]).toEqual([[], [], before])
  })
})
