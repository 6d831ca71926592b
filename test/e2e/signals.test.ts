import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestCli, type TestCli, finish } from '../support/test-cli.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let cli: TestCli
beforeAll(() => {
  cli = createTestCli()
})
afterAll(() => cli[Symbol.dispose]())

async function track({ db }: TestDatabase): Promise<void> {
  await sql`insert into identifai.identifiers (identifier) values ('a'), ('b')`.execute(db)
}

const environment = { IDENTIFAI_API_KEY: 'key', SYNC_RETRIES: '0' }

it.concurrent.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)('sync stops cleanly on %s with exit code %i', async (signal, code) => {
  await using own = await createTestDatabase()
  await using api = await startCannedApi(() => {
    child.kill(signal)
    return undefined
  })
  const env = { ...environment, DATABASE_URL: own.url, IDENTIFAI_API_URL: api.url }
  await track(own)
  const child = cli.start(['sync', '--json'], env)
  const result = await finish(child)
  expect(result.code).toBe(code)
  expect(JSON.parse(result.stdout)).toMatchObject({ status: 'interrupted', claimed: 2, released: 2 })
  const { rows } = await sql`select distinct state, attempts, leased_by from identifai.identifiers`.execute(
    own.db,
  )
  expect(rows).toEqual([{ state: 'pending', attempts: 0, leased_by: null }])
})

// The exit code is that of the signal that ended the process. At its time limit it is that of the first signal.
it.concurrent.each([
  ['a second signal', 'SIGINT', 130],
  ['its time limit of nine seconds', undefined, 143],
] as const)(
  'sync that cannot stop cleanly is ended by %s, and the next run repeats its work',
  async (_, second, code) => {
    await using own = await createTestDatabase()
    const url = new URL(own.url)
    await using proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
    url.host = `127.0.0.1:${proxy.port}`
    await using api = await startCannedApi((identifiers) => {
      if (isFrozen) return identifiers.map((identifier) => ({ identifier, status: 'done' }))
      // The database is silent from now on, so that the release of the claims cannot end.
      isFrozen = proxy.freeze() > 0
      child.kill('SIGTERM')
      // Repeated as by a person. A signal within a second of the last one counts as the same key press.
      if (second) timeout = setInterval(() => child.kill(second), 1200)
      return undefined
    })
    let isFrozen = false
    let timeout: NodeJS.Timeout | undefined
    const env = { ...environment, DATABASE_URL: url.href, IDENTIFAI_API_URL: api.url }
    await track(own)
    const child = cli.start(['sync'], env)
    const result = await finish(child)
    clearInterval(timeout)
    expect(result).toMatchObject({ code, stdout: '' })
    await sql`update identifai.identifiers set lease_until = now() - interval '1 second'`.execute(own.db)
    await sql`update identifai.sync_runs set heartbeat_at = now() - interval '1 day'`.execute(own.db)
    expect(await cli.run(['sync'], { ...env, DATABASE_URL: own.url })).toMatchObject({ code: 0 })
    const runs = await own.db
      .selectFrom('identifai.sync_runs')
      .select('status')
      .orderBy('started_at')
      .execute()
    expect(runs.map(({ status }) => status)).toEqual(['interrupted', 'succeeded'])
  },
)
