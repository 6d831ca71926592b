import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningSimulator } from '../../src/devkit/simulator/simulator.ts'
import { type CliStage, createCliStage } from '../support/cli-stage.ts'
import { finish, type TestCli } from '../support/test-cli.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

/** No server of the tests can have it. */
const CLOSED_PORT = 9

let stage: CliStage
let cli: TestCli
let database: TestDatabase
let simulator: RunningSimulator
let environment: NodeJS.ProcessEnv
beforeAll(async () => {
  stage = await createCliStage()
  ;({ cli, database, simulator, environment } = stage)
})
afterAll(() => stage[Symbol.asyncDispose]())

describe('bad input ends with one clear sentence and the documented exit code', () => {
  it('no DATABASE_URL', async () => {
    const { DATABASE_URL: _, ...rest } = environment
    for (const command of [['migrate'], ['enqueue', 'a'], ['sync'], ['status']]) {
      stage.expectClearError(await cli.call(command, rest), 2, 'DATABASE_URL is not set')
    }
  })

  it('a variable under a similar name, which is probably meant', async () => {
    stage.file('.env', 'DATABASE_URI=postgresql://h/x\n')
    const { DATABASE_URL: _, ...rest } = environment
    for (const command of [['migrate'], ['status'], ['sync']]) {
      const { code, stderr } = await cli.call(command, rest)
      expect(code).toBe(2)
      expect(stderr).toMatch(
        /^error: Configuration: DATABASE_URL is not set.*\nwarning: A variable .*: DATABASE_URI \(Did you mean DATABASE_URL\?\)\n$/,
      )
    }
    rmSync(path.join(cli.folder, '.env'))
  })

  it('a malformed DATABASE_URL, with every other problem in the same message', async () => {
    const result = await cli.call(['sync'], { DATABASE_URL: 'localhost/x', SYNC_RETRIES: 'x' })
    stage.expectClearError(
      result,
      2,
      '3 problems',
      'DATABASE_URL must be',
      'IDENTIFAI_API_KEY is not set',
      'SYNC_RETRIES must be',
    )
  })

  it('a variable that nothing reads causes a warning only', async () => {
    stage.file('.env', 'API_KEY=e2e-other-secret\nPOSTGRES_PASSWORD=x\n')
    const result = await cli.run(['status', '--json'], { ...environment, SYNC_BATCHSIZE: '5' })
    expect(result.code).toBe(0)
    expect(JSON.parse(result.stderr)).toMatchObject({
      level: 'warn',
      variables: ['API_KEY', 'SYNC_BATCHSIZE (Did you mean SYNC_BATCH_SIZE?)'],
    })
    expect(result.stderr).not.toContain('e2e-other-secret')
    const { stdout } = await cli.run(['doctor'], environment)
    expect(stdout).toContain('warning  configuration: A variable is unknown, so it has no effect: API_KEY')
    rmSync(path.join(cli.folder, '.env'))
  })

  it('a wrong key', async () => {
    await using own = await createTestDatabase()
    const env = { ...environment, DATABASE_URL: own.url, IDENTIFAI_API_KEY: 'wrong' }
    await cli.call(['enqueue', 'wrong-key-victim'], env)
    const result = await cli.run(['sync', '--json'], env)
    expect(result.code).toBe(4)
    expect(JSON.parse(result.stdout)).toMatchObject({ status: 'failed', released: 1 })
    expect(result.stderr).toContain('the API refuses the key (401). Set IDENTIFAI_API_KEY')
    const { rows } = await sql`select state, attempts, leased_by from identifai.identifiers`.execute(own.db)
    expect(rows).toEqual([{ state: 'pending', attempts: 0, leased_by: null }])
  })

  it('a closed port: of the database, and of the API', async () => {
    const closed = { ...environment, DATABASE_URL: `postgresql://u:pw-secret@127.0.0.1:${CLOSED_PORT}/x` }
    for (const command of [['migrate'], ['enqueue', 'a'], ['sync'], ['status']]) {
      const result = await cli.run(command, closed)
      stage.expectClearError(result, 5, 'The database cannot be reached', 'DATABASE_URL')
      expect(result.stderr).not.toContain('pw-secret')
    }
    const api = {
      ...environment,
      IDENTIFAI_API_URL: `http://127.0.0.1:${CLOSED_PORT}/api`,
      SYNC_BATCH_SIZE: '1',
    }
    await cli.call(['enqueue', 'b', 'c', 'd', 'e', 'f'], environment)
    const result = await cli.run(['sync'], api)
    expect(result.code).toBe(7)
    expect(result.stderr).toContain('The run gave up, because 5 batches in a row failed.')
    expect(result.stderr).toMatch(/The last failure: GET \S+: connect ECONNREFUSED .*Run it again later/)
  })

  it('a port of something that is not PostgreSQL, and a server without TLS where it is required', async () => {
    const { port } = new URL(simulator.origin)
    const other = { DATABASE_URL: `postgresql://u:pw-secret@127.0.0.1:${port}/x` }
    stage.expectClearError(await cli.run(['status'], other), 5, 'No connection to the database could be made')
    // The server of the suite may have TLS. A server without TLS responds to the request for it by one N.
    await using withoutTls = createServer((socket) => socket.once('data', () => socket.write('N')))
    await once(withoutTls.listen(0, '127.0.0.1'), 'listening')
    const { port: plain } = withoutTls.address() as AddressInfo
    const required = { DATABASE_URL: `postgresql://u:pw-secret@127.0.0.1:${plain}/x?sslmode=require` }
    const tls = await cli.run(['status'], required)
    stage.expectClearError(
      tls,
      5,
      'if sslmode in DATABASE_URL requires TLS',
      'The server does not support SSL',
    )
  })

  it('an API that cannot be reached, also with a single identifier', async () => {
    await using own = await createTestDatabase()
    const env = {
      ...environment,
      DATABASE_URL: own.url,
      IDENTIFAI_API_URL: `http://127.0.0.1:${CLOSED_PORT}/api`,
    }
    await cli.call(['enqueue', 'a'], env)
    const result = await cli.run(['sync', '--json'], env)
    expect(result.code).toBe(7)
    expect(JSON.parse(result.stdout)).toMatchObject({ status: 'failed', released: 1 })
    expect(JSON.parse(result.stdout).error).toContain('every batch failed')
  })

  it('a reader that stops reading, without an error', async () => {
    const child = cli.start(['status', '--json'], environment)
    child.stdout?.destroy()
    const result = await finish(child)
    expect(result).toMatchObject({ code: 0, stderr: '' })
  })

  it('a database that does not exist, and a refused password', async () => {
    const url = new URL(database.url)
    url.pathname = 'no_such_database'
    stage.expectClearError(
      await cli.run(['status'], { DATABASE_URL: url.href }),
      5,
      'The database does not exist (',
      'PGDATABASE',
    )
    url.username = 'no_such_role'
    url.password = 'pw-secret'
    const refused = await cli.run(['status'], { DATABASE_URL: url.href })
    stage.expectClearError(refused, 5, 'The database refuses the user or the password (', 'PGPASSWORD')
    expect(refused.stderr).not.toContain('pw-secret')
    url.password = ''
    // A server with trust authentication requires no password. The command ends in both cases.
    const without = await cli.run(['status'], { DATABASE_URL: url.href })
    stage.expectClearError(without, 5, 'DATABASE_URL')
    expect(without.stderr).toMatch(/and there is none|refuses the user/)
  })

  it('a role without the privilege, with a message that names the privilege or another command', async () => {
    await using own = await createTestDatabase()
    const role = `bare_${randomUUID()}`
    await sql`create role ${sql.id(role)} login password 'p'`.execute(own.db)
    try {
      const url = new URL(own.url)
      url.username = role
      url.password = 'p'
      const env = { DATABASE_URL: url.href }
      stage.expectClearError(
        await cli.call(['status'], env),
        5,
        `The role ${role} may not read the tables, which the role postgres owns`,
        `Use the role of the job. If ${role} is this role, run as postgres: identifai-sync grant-job ${role}.`,
      )
      stage.expectClearError(
        await cli.call(['grant-reader', role], env),
        5,
        `The role ${role} does not own the tables`,
        'Use the role postgres in DATABASE_URL. To make',
      )
      await sql`grant usage on schema identifai to ${sql.id(role)}`.execute(own.db)
      await sql`grant select on identifai.schema_migrations to ${sql.id(role)}`.execute(own.db)
      stage.expectClearError(
        await cli.call(['status'], env),
        5,
        'For runs, doctor lists the missing privileges',
        '"Create the roles" in docs/operations.md',
      )
      stage.expectClearError(
        await cli.call(['grant-job', role], env),
        2,
        `The role ${role} does not own the tables, so it cannot grant privileges on them. Use the role postgres`,
      )
      const note = ['annotate', '--hash', 'h', '--forced-to', 'human', '--author', 'a', '--reason', 'r']
      stage.expectClearError(
        await cli.call(note, env),
        5,
        'may not write notes',
        'grant INSERT on identifai.override_notes',
      )
    } finally {
      await sql`drop owned by ${sql.id(role)}`.execute(own.db)
      await sql`drop role ${sql.id(role)}`.execute(own.db)
    }
  })

  it('an address of the API with a wrong path', async () => {
    await using own = await createTestDatabase()
    const env = { ...environment, DATABASE_URL: own.url, IDENTIFAI_API_URL: `${simulator.origin}/wrong/api` }
    await cli.call(['enqueue', 'a', 'b', 'c'], env)
    const result = await cli.run(['sync', '--json'], { ...env, LOG_LEVEL: 'error' })
    expect(result.code).toBe(7)
    expect(JSON.parse(result.stdout)).toMatchObject({ status: 'failed', released: 3 })
    expect(result.stderr).toMatch(
      /^error: The circuit breaker stopped the run.* Check IDENTIFAI_API_URL, .*\n$/,
    )
    const { rows } = await sql`select distinct state, absences, leased_by from identifai.identifiers`.execute(
      own.db,
    )
    expect(rows).toEqual([{ state: 'pending', absences: 0, leased_by: null }])
  })

  it('an unmigrated database', async () => {
    await using unmigrated = await createTestDatabase('empty')
    for (const command of [['enqueue', 'a'], ['sync'], ['status']]) {
      const result = await cli.call(command, { ...environment, DATABASE_URL: unmigrated.url })
      stage.expectClearError(result, 5, 'Run: identifai-sync migrate')
    }
  })

  it('an unknown flag, an unknown command, a bad value', async () => {
    stage.expectClearError(
      await cli.run(['sync', '--fast'], environment),
      2,
      "unknown option '--fast'",
      '--help',
    )
    stage.expectClearError(await cli.call(['sink'], environment), 2, "unknown command 'sink'")
    stage.expectClearError(await cli.call(['sync', '--limit', '0'], environment), 2, 'whole number from 1')
    stage.expectClearError(await cli.call(['sync', '--wait', '15'], environment), 2, 'such as 90s, 15m or 2h')
    stage.expectClearError(await cli.call(['replay', '--since', 'May'], environment), 2, 'such as 2026-07-01')
    stage.expectClearError(await cli.call(['migrate', 'sideways'], environment), 2, 'up, down, status')
    for (const ofDown of ['--all', '--destroy-history', '--yes'])
      for (const direction of ['up', 'status'])
        stage.expectClearError(await cli.call(['migrate', direction, ofDown], environment), 2, 'migrate down')
  })
})
