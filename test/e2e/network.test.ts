import { once } from 'node:events'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onServer } from '../support/on-server.ts'
import { startTestServer } from '../support/start-test-server.ts'
import { unprivilegedUser } from '../../src/devkit/embedded-postgres/server-process.ts'
import { createTestCli, type TestCli } from '../support/test-cli.ts'
import { type Authority, createAuthority } from '../support/certificate-authority.ts'
import { startForwardingProxy } from '../support/forwarding-proxy.ts'
import { createTestDatabase } from '../support/test-database.ts'

let cli: TestCli
let folder: string
let authority: Authority
beforeAll(async () => {
  cli = createTestCli()
  folder = await mkdtemp(path.join(os.tmpdir(), 'identifai-network-'))
  authority = await createAuthority(folder)
})
afterAll(async () => {
  cli[Symbol.dispose]()
  await rm(folder, { recursive: true })
})

const KEY = 'key-0123456789'

/** An API over TLS that has a result for everything, with a certificate for this host. */
async function startTlsApi(host: string, options?: Parameters<Authority['issue']>[1]) {
  const keys: unknown[] = []
  const server = createServer(await authority.issue(host, options), (request, response) => {
    keys.push(request.headers['x-api-key'])
    const requested = new URL(request.url ?? '/', 'https://host').searchParams.getAll('identifiers[]')
    response.end(JSON.stringify(requested.map((identifier) => ({ identifier, status: 'done' }))))
  }).listen(0, '127.0.0.1')
  let connections = 0
  server.on('connection', () => connections++)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `https://${host}:${port}/api`,
    keys,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Runs the built command over one identifier. */
async function sync(environment: NodeJS.ProcessEnv) {
  await using own = await createTestDatabase()
  await sql`insert into identifai.identifiers (identifier) values ('a')`.execute(own.db)
  const env = { DATABASE_URL: own.url, IDENTIFAI_API_KEY: KEY, SYNC_RETRIES: '0', ...environment }
  const result = await cli.run(['sync'], env)
  const { rows } = await sql`select from identifai.classifications`.execute(own.db)
  expect(result.stdout + result.stderr).not.toContain(KEY)
  return { ...result, loaded: rows.length }
}

describe('an API with a certificate of a private authority', () => {
  it('is trusted when NODE_EXTRA_CA_CERTS names the authority', async () => {
    await using api = await startTlsApi('127.0.0.1')
    const result = await sync({ IDENTIFAI_API_URL: api.url, NODE_EXTRA_CA_CERTS: authority.file })
    expect(result).toMatchObject({ code: 0, loaded: 1 })
    expect(api.keys).toEqual([KEY])
  })

  it('is not trusted otherwise, and never receives the key', async () => {
    await using api = await startTlsApi('127.0.0.1')
    const result = await sync({ IDENTIFAI_API_URL: api.url })
    expect(result).toMatchObject({ code: 7, loaded: 0 })
    expect(result.stderr).toContain('certificate')
    expect(result.stderr).toContain('NODE_EXTRA_CA_CERTS')
    expect(api.keys).toEqual([])
  })

  it('is not trusted under another name', async () => {
    await using api = await startTlsApi('127.0.0.2')
    const environment = { NODE_EXTRA_CA_CERTS: authority.file }
    const result = await sync({ ...environment, IDENTIFAI_API_URL: `https://127.0.0.1:${api.port}/api` })
    expect(result).toMatchObject({ code: 7, loaded: 0 })
    expect(api.keys).toEqual([])
  })

  it('is not trusted when it has expired, and is not requested again', async () => {
    await using api = await startTlsApi('127.0.0.1', { isExpired: true })
    const environment = { NODE_EXTRA_CA_CERTS: authority.file, SYNC_RETRIES: '2', SYNC_RETRY_BASE_MS: '1' }
    const result = await sync({ ...environment, IDENTIFAI_API_URL: api.url })
    expect(result).toMatchObject({ code: 7, loaded: 0 })
    expect(result.stderr).toContain('the certificate is not trusted (certificate has expired)')
    expect([api.connections(), api.keys]).toEqual([1, []])
  })

  it('cannot be trusted by .env, with an error that explains it', async () => {
    await writeFile(path.join(cli.folder, '.env'), `NODE_EXTRA_CA_CERTS=${authority.file}\n`)
    const result = await cli.run(['sync'])
    await rm(path.join(cli.folder, '.env'))
    expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('NODE_EXTRA_CA_CERTS') })
  })
})

describe('a forwarding proxy', () => {
  it.each(['HTTPS_PROXY', 'https_proxy'])(
    'is used when %s names it, and carries nothing that it could read',
    async (name) => {
      await using api = await startTlsApi('api.test')
      await using proxy = await startForwardingProxy({ [`api.test:${api.port}`]: api.port })
      const url = new URL(proxy.url)
      url.username = 'user'
      url.password = 'proxy-password'
      const result = await sync({
        IDENTIFAI_API_URL: api.url,
        NODE_EXTRA_CA_CERTS: authority.file,
        [name]: url.href,
      })
      expect(result).toMatchObject({ code: 0, loaded: 1 })
      expect(proxy.requests).toEqual([
        { target: `api.test:${api.port}`, authorization: `Basic ${btoa('user:proxy-password')}` },
      ])
      expect(proxy.carried().length).toBeGreaterThan(500)
      expect(proxy.carried()).not.toContain(KEY)
      expect(result.stdout + result.stderr).not.toContain('proxy-password')
    },
  )

  it('is not used for what NO_PROXY names', async () => {
    await using api = await startTlsApi('api.test')
    await using proxy = await startForwardingProxy({ [`api.test:${api.port}`]: api.port })
    const environment = {
      IDENTIFAI_API_URL: api.url,
      NODE_EXTRA_CA_CERTS: authority.file,
      HTTPS_PROXY: proxy.url,
    }
    const result = await sync({ ...environment, NO_PROXY: 'elsewhere.test,api.test' })
    expect(result).toMatchObject({ code: 7, stderr: expect.stringContaining('api.test') })
    expect(proxy.requests).toEqual([])
  })

  it('is never used for loopback', async () => {
    await using api = await startTlsApi('127.0.0.1')
    await using proxy = await startForwardingProxy({})
    const environment = { IDENTIFAI_API_URL: api.url, NODE_EXTRA_CA_CERTS: authority.file }
    expect(await sync({ ...environment, HTTPS_PROXY: proxy.url })).toMatchObject({ code: 0, loaded: 1 })
    expect(proxy.requests).toEqual([])
  })

  it('that refuses is named in the error, without its password', async () => {
    await using proxy = await startForwardingProxy({})
    const url = proxy.url.replace('//', '//user:proxy-password@')
    const result = await sync({ IDENTIFAI_API_URL: 'https://api.test/api', HTTPS_PROXY: url })
    expect(result).toMatchObject({ code: 7, stderr: expect.stringMatching(/proxy/i) })
    expect(result.stdout + result.stderr).not.toContain('proxy-password')
  })
})

describe('a PostgreSQL that speaks TLS', () => {
  it('is verified against the authority that DATABASE_URL or NODE_EXTRA_CA_CERTS names, by its host', async () => {
    await using postgres = await startTestServer()
    const plain = new URL(postgres.url())
    const user = await unprivilegedUser()
    const { key, cert } = await authority.issue('127.0.0.1')
    const files = await mkdtemp(path.join(os.tmpdir(), 'identifai-tls-'))
    for (const [name, text] of [
      ['server.key', key],
      ['server.crt', cert],
    ] as const) {
      await writeFile(path.join(files, name), text, { mode: 0o600 })
      if (user) await chown(path.join(files, name), user.uid, user.gid)
    }
    if (user) await chown(files, user.uid, user.gid)
    await onServer(plain.href, `alter system set ssl_cert_file = '${files}/server.crt'`)
    await onServer(plain.href, `alter system set ssl_key_file = '${files}/server.key'`)
    await onServer(plain.href, 'alter system set ssl = on')
    await onServer(plain.href, 'select pg_reload_conf()')

    /** A process of its own also prints the warnings of the driver, and reads NODE_EXTRA_CA_CERTS. */
    const connect = async (
      way: 'call' | 'run',
      parameters: string,
      { host = '127.0.0.1', ...environment }: NodeJS.ProcessEnv = {},
    ) => {
      const url = new URL(plain.href)
      url.hostname = host
      url.search = parameters
      const env = { DATABASE_URL: url.href, ...environment }
      const { code, stderr, stdout } = await cli[way](['migrate', 'status'], env)
      expect(stdout + stderr).not.toContain(plain.password)
      return { code, stderr }
    }
    const status = (parameters: string, environment?: NodeJS.ProcessEnv) =>
      connect('call', parameters, environment)
    const verified = `sslmode=verify-full&sslrootcert=${encodeURIComponent(authority.file)}`
    expect(await status(verified)).toEqual({ code: 0, stderr: '' })
    expect(await connect('run', 'sslmode=verify-full', { NODE_EXTRA_CA_CERTS: authority.file })).toEqual({
      code: 0,
      stderr: '',
    })
    // The driver warns about some modes. An operator should not see that warning.
    for (const mode of ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']) {
      const weaker = verified.replace('verify-full', mode)
      expect([mode, await connect('run', weaker)]).toEqual([mode, { code: 0, stderr: '' }])
      const compatible = await status(`${weaker}&uselibpqcompat=true`)
      expect([mode, compatible]).toEqual([mode, { code: 0, stderr: '' }])
      const PGSSLROOTCERT = authority.file
      expect(await status('', { PGSSLMODE: mode, PGSSLROOTCERT })).toEqual({ code: 0, stderr: '' })
    }
    // A weaker mode does not check the name, or the authority.
    const weak = 'sslmode=require&uselibpqcompat=true'
    expect(await status(weak)).toEqual({ code: 0, stderr: '' })
    const anyName = verified.replace('verify-full', 'verify-ca&uselibpqcompat=true')
    expect(await status(anyName, { host: 'localhost' })).toEqual({ code: 0, stderr: '' })
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full'])
      expect(await status(`sslmode=${mode}`)).toMatchObject({ code: 5 })
    const unknown = await status('sslmode=require')
    expect(unknown).toMatchObject({ code: 5, stderr: expect.stringContaining('sslrootcert') })
    const otherName = await status(verified, { host: 'localhost' })
    expect(otherName).toMatchObject({ code: 5, stderr: expect.stringContaining('localhost') })
    const { stdout } = await cli.run(['doctor'], {
      DATABASE_URL: `${plain.href}?${verified}`,
      IDENTIFAI_API_KEY: KEY,
      IDENTIFAI_API_URL: 'http://127.0.0.1:9',
    })
    expect(stdout).toContain('over TLSv1.3')
    await rm(files, { recursive: true })
  })
})
