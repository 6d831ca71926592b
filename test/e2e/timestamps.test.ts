import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../src/platform/postgres/database.ts'
import { type CannedApi, startCannedApi } from '../support/canned-api.ts'
import { startDaemon } from '../support/running-daemon.ts'
import { type CliResult, createTestCli, type TestCli } from '../support/test-cli.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { until } from '../support/waits.ts'
import {
  HAS_OPENSSL,
  startTimestampAuthority,
  type TimestampAuthority,
} from '../support/timestamp-authority.ts'

const COMPLIANCE = path.resolve(import.meta.dirname, '../../docs/compliance.md')
const HAS_PSQL = spawnSync('psql', ['--version']).status === 0

const positions = async (db: Kysely<Database>) => {
  const rows = await db.selectFrom('identifai.chain_timestamps').select('chain_position').execute()
  return rows.map(({ chain_position }) => chain_position)
}

describe.skipIf(!HAS_OPENSSL)('timestamps', () => {
  let cli: TestCli
  let api: CannedApi
  let authority: TimestampAuthority
  let own: TestDatabase
  /** The results of commands before the first timestamp, of a run without one, and of the run that stores it. */
  let first: Readonly<Record<'status' | 'other' | 'fromFile' | 'failed' | 'stored', CliResult>>
  beforeAll(async () => {
    cli = createTestCli()
    authority = await startTimestampAuthority()
    api = await startCannedApi((requested) => requested.map((identifier) => ({ identifier, status: 'done' })))
    own = await createTestDatabase()
    await sql`insert into identifai.identifiers (identifier) values ('a')`.execute(own.db)
    first = {
      status: await cli.run(['status'], settings(authority.url)),
      other: await cli.run(['status'], settings('')),
      fromFile: await cli.call(['status'], {
        ...settings(''),
        SEAL_TIMESTAMP_URL: undefined,
        SEAL_TIMESTAMP_URL_FILE: '/run/secrets/authority',
      }),
      failed: await cli.run(['sync'], settings('http://127.0.0.1:9/tsa')),
      stored: await cli.run(['sync'], settings(authority.url)),
    }
  })
  afterAll(async () => {
    await own[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
    await authority[Symbol.asyncDispose]()
    cli[Symbol.dispose]()
  })

  const settings = (url: string) => ({
    DATABASE_URL: own.url,
    IDENTIFAI_API_URL: api.url,
    IDENTIFAI_API_KEY: 'key',
    SEAL_TIMESTAMP_URL: url,
  })
  const root = () => path.join(authority.folder, 'root.pem')

  it('sync succeeds and logs a failure when the authority is down, and the next one stores a timestamp', async () => {
    for (const { stdout } of [first.status, first.fromFile])
      expect(stdout).toContain('The chain has no timestamp yet.')
    expect(first.other.stdout).not.toContain('timestamp')
    expect(first.failed).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('succeeded'),
      stderr: expect.stringMatching(
        /"level":"warn".*"authority":"http:\/\/127.0.0.1:9\/tsa".*"msg":"timestamp request failed"/,
      ),
    })
    expect(first.stored).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('timestamp request failed'),
    })
    // The first run has none.
    expect(await positions(own.db)).toEqual([2])
    // The variable is not set where a person calls the command.
    const status = await cli.run(['status'], { DATABASE_URL: own.url })
    expect(status.stdout).toMatch(/^The newest timestamp of the chain is .* old \(chain position 2\)\.$/m)
    const { newest_timestamp } = JSON.parse((await cli.run(['status', '--json'], settings(''))).stdout)
    expect(newest_timestamp).toMatchObject({ chain_position: 2, age_seconds: expect.any(Number) })
  })

  it('report verify verifies them, with --trust their signatures, too', async () => {
    const verify = (...args: string[]) => cli.call(['report', 'verify', ...args], { DATABASE_URL: own.url })
    expect(await verify()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^1 timestamp verified, without their signatures, because --trust was not given\. The newest one is of chain position 2, at 20.*Z\.$/m,
      ),
    })
    expect(await verify('--trust', root())).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 timestamp verified, and their signatures.'),
    })
    await using other = await startTimestampAuthority()
    expect(await verify('--trust', path.join(other.folder, 'root.pem'))).toMatchObject({
      code: 6,
      stdout: expect.stringMatching(
        /timestamp by http.*\(chain position 2\) is not signed by an authority of the given/,
      ),
    })
  })

  it.skipIf(!HAS_PSQL)('OpenSSL verifies them with the commands of docs/compliance.md', async () => {
    const { chain_head } = await own.db
      .selectFrom('identifai.sync_runs')
      .select('chain_head')
      .where('chain_position', '=', 2)
      .executeTakeFirstOrThrow()
    const [, section = ''] = /### Check a timestamp(.*?)\n### /s.exec(readFileSync(COMPLIANCE, 'utf8')) ?? []
    const [write = '', verify = ''] = [...section.matchAll(/```console\n(.*?)```/gs)].map(([, text]) => text)
    const commands = [write, ...(verify.match(/^\$ .*$/gm) ?? [])].join('\n').replaceAll(/^\$ /gm, '')
    const script = commands
      .replaceAll('--dbname=identifai', `--dbname='${own.url}'`)
      .replaceAll('chain_position = 93', 'chain_position = 2')
      .replace('authority.pem', `'${root()}'`)
    const output = execFileSync('sh', ['-ec', script], { cwd: cli.folder, encoding: 'utf8' })
    expect(output).toMatch(/^Verification: OK\n.*^Time stamp: .* GMT$/ms)
    expect(output.endsWith(`\n${chain_head}`)).toBe(true)
  })

  it('report verify refuses a file without a certificate, and a file of a report', async () => {
    const garbage = path.join(cli.folder, 'garbage.pem')
    writeFileSync(garbage, 'garbage')
    for (const file of [garbage, path.join(cli.folder, 'absent.pem')]) {
      expect(await cli.call(['report', 'verify', '--trust', file])).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(`${file} has no certificate of an authority in PEM.`),
      })
    }
    expect(await cli.call(['report', 'verify', garbage, '--trust', root()])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--trust applies to the database only'),
    })
  })

  it('the daemon requests one for a nightly run, and not for a fresh run, and its metrics have the time', async () => {
    await using other = await createTestDatabase()
    await sql`
      insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version)
      values (gen_random_uuid(), 'nightly', 'succeeded', now() - interval '3 days', now() - interval '3 days', 'h', 1, '0')`.execute(
      other.db,
    )
    const started = Date.now() / 1000
    await using daemon = await startDaemon(cli, { ...settings(authority.url), DATABASE_URL: other.url })
    const METRIC = 'identifai_sync_newest_token_timestamp_seconds'
    await until(async () => (await positions(other.db)).length > 0)
    await sql`insert into identifai.identifiers (identifier) values ('a')`.execute(other.db)
    await daemon.logged(({ msg, trigger }) => msg === 'run ended' && trigger === 'fresh')
    const [timestamp] = await other.db.selectFrom('identifai.chain_timestamps').selectAll().execute()
    expect(timestamp?.chain_position).toBe(1)
    await until(async () => (await daemon.metric(METRIC)) === Number(timestamp?.received_at) / 1000)
    expect(Number(timestamp?.received_at) / 1000).toBeGreaterThan(started - 1)
    daemon.signal('SIGTERM')
    expect(await daemon.ended).toBe(143)
    expect(await positions(other.db)).toEqual([1])
  })
})
