import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { EmbeddedPostgres } from '../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { startTestServer } from '../support/start-test-server.ts'
import { createTestCli, type TestCli } from '../support/test-cli.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let cli: TestCli
let own: TestDatabase
beforeAll(async () => {
  cli = createTestCli()
  own = await createTestDatabase()
})
afterAll(async () => {
  await own[Symbol.asyncDispose]()
  cli[Symbol.dispose]()
})
afterEach(() => rmSync(path.join(cli.folder, '.env'), { force: true }))

/** A command that connects and prints nothing on standard error. Only a process of its own finds another HOME. */
async function connects(environment: NodeJS.ProcessEnv) {
  const way = environment.HOME === undefined ? 'call' : 'run'
  expect(await cli[way](['migrate', 'status'], environment)).toMatchObject({ code: 0, stderr: '' })
}

function write(name: string, text: string, mode = 0o600): string {
  const file = path.join(cli.folder, name)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

/** The variables of libpq for the database of these tests. */
function variables() {
  const { hostname, port, username, password, pathname } = new URL(own.url)
  const place = { PGHOST: hostname, PGPORT: port || '5432', PGUSER: username, PGDATABASE: pathname.slice(1) }
  return { place, password: decodeURIComponent(password) }
}

describe('the variables of libpq', () => {
  it('replace DATABASE_URL, in the environment and in .env', async () => {
    const { place, password } = variables()
    await connects({ ...place, PGPASSWORD: password })
    const lines = Object.entries({ ...place, PGPASSWORD: password }).map(
      ([name, value]) => `${name}=${value}\n`,
    )
    write('.env', lines.join(''))
    await connects({})
  })

  it('name a database that does not exist, in a clear error', async () => {
    const { place, password } = variables()
    const environment = { ...place, PGPASSWORD: password, PGDATABASE: 'no_such_database' }
    const result = await cli.run(['status'], environment)
    expect(result).toMatchObject({ code: 5, stderr: expect.stringContaining('does not exist') })
  })
})

describe('a password file', () => {
  it('is ~/.pgpass, or the file of PGPASSFILE, in the environment and in .env', async () => {
    const { place, password } = variables()
    const line = `${place.PGHOST}:*:${place.PGDATABASE}:${place.PGUSER}:${password.replace(/[:\\]/g, '\\$&')}\n`
    write('home/.pgpass', line)
    await connects({ ...place, HOME: path.join(cli.folder, 'home') })
    const file = write('passwords', line)
    await connects({ ...place, PGPASSFILE: file })
    write('.env', `PGPASSFILE="${file}"\n`)
    await connects(place)
    const url = new URL(own.url)
    url.password = ''
    await connects({ DATABASE_URL: url.href })
  })
})

describe('a server that has a Unix socket only', () => {
  let server: EmbeddedPostgres
  let port: string
  let password: string
  beforeAll(async () => {
    server = await startTestServer({ listen_addresses: '', unix_socket_directories: '/tmp' })
    const url = new URL(server.url())
    port = url.port
    password = url.password
  })
  afterAll(() => server.stop())

  it('is reached by each form of DATABASE_URL', async () => {
    for (const url of [
      `postgresql://postgres:${password}@/postgres?host=/tmp&port=${port}`,
      `postgresql:///postgres?host=/tmp&port=${port}&user=postgres&password=${password}`,
      `postgresql://postgres:${password}@${encodeURIComponent('/tmp')}:${port}/postgres`,
      // A socket has no TLS in any mode.
      `postgresql://postgres:${password}@${encodeURIComponent('/tmp')}:${port}/postgres?sslmode=require`,
    ]) {
      await connects({ DATABASE_URL: url })
    }
  })

  it('is reached by PGHOST, and without a host', async () => {
    const environment = { PGPORT: port, PGUSER: 'postgres', PGPASSWORD: password }
    await connects({ ...environment, PGHOST: '/tmp' })
    await connects({ ...environment, PGSSLMODE: 'verify-full' })
  })

  it('requires a password, which the password file has for localhost', async () => {
    const environment = { PGPORT: port, PGUSER: 'postgres', HOME: path.join(cli.folder, 'other') }
    const without = await cli.run(['status'], environment)
    expect(without).toMatchObject({ code: 5, stderr: expect.stringContaining('and there is none') })
    write('other/.pgpass', `localhost:${port}:postgres:postgres:${password}\n`)
    await connects(environment)
    write('other/.pgpass', `localhost:${port}:postgres:postgres:${password}\n`, 0o644)
    const readable = await cli.run(['status'], environment)
    expect(readable).toMatchObject({ code: 5, stderr: expect.stringContaining('can be read by other users') })
    expect(readable.stderr).not.toContain(password)
  })

  it('is named in the error when it is gone', async () => {
    const { code, stderr } = await cli.run(['status'], { PGHOST: '/tmp', PGPORT: '1', PGUSER: 'postgres' })
    expect(code).toBe(5)
    expect(stderr).toContain('The database cannot be reached (connect ENOENT /tmp/.s.PGSQL.1)')
  })
})
