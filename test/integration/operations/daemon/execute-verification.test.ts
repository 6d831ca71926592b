import { sql } from 'kysely'
import { afterEach, expect, it, vi } from 'vitest'
import { readLastVerification } from '../../../../src/compliance/verify/verifications.ts'
import { executeVerification } from '../../../../src/operations/daemon/execute-verification.ts'
import { parseDatabaseConfig } from '../../../../src/platform/config/config.ts'
import { createLogger } from '../../../../src/platform/logger.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'

type LogEvent = Readonly<Record<string, unknown>> & { readonly msg: string }

afterEach(() => {
  vi.useRealTimers()
})

/** Executes a verification, and returns what it logs. `onEvent` can stop it. */
async function verify(
  { database }: TestApp,
  onEvent: (event: LogEvent, stop: AbortController) => void = () => {},
): Promise<LogEvent[]> {
  const log: LogEvent[] = []
  const stop = new AbortController()
  const write = (line: string) => {
    const event = JSON.parse(line) as LogEvent
    log.push(event)
    onEvent(event, stop)
  }
  await executeVerification({
    logger: createLogger({ level: 'info', terminal: false, destination: { write } }),
    signal: stop.signal,
    readDatabaseConfig: () => parseDatabaseConfig({ DATABASE_URL: database.url }),
  })
  return log
}

/** Stops a verification at this event. */
const stopAt = (msg: string) => (event: LogEvent, stop: AbortController) => {
  if (event.msg === msg) stop.abort(new Error('test'))
}

const messages = (log: readonly LogEvent[]) => log.map(({ msg }) => msg)

it('stores the result of each verification, and logs findings as errors', async () => {
  await using bench = await createTestApp()
  const { db } = bench.app
  await bench.load({ count: 12 })
  expect(await readLastVerification(db)).toBeNull()
  expect(messages(await verify(bench))).toEqual(['verification started', 'verification ended'])
  const good = await readLastVerification(db)
  expect(good).toMatchObject({ runs: 1, classifications: 12, findings: 0, first_findings: null })
  expect(good?.chain_head).toMatch(/^[0-9a-f]{64}$/)
  expect(Number(good?.finished_at)).toBeGreaterThanOrEqual(Number(good?.started_at))

  await sql`update identifai.classifications set name = 'x'`.execute(db)
  const [, found] = await verify(bench)
  expect(found).toMatchObject({ level: 'error', msg: 'verification found differences', findings: 12 })
  const bad = await readLastVerification(db)
  expect(bad?.findings).toBe(12)
  expect(bad?.first_findings?.split('\n')).toHaveLength(5)
  expect(bad?.first_findings).toMatch(
    /^classifications \(classification_id 1\) differs from the history in: name\./,
  )
})

it('does nothing while another process verifies', async () => {
  await using bench = await createTestApp()
  const other = await bench.database.pool.connect()
  await other.query(`begin; select pg_advisory_xact_lock(hashtextextended('identifai verification', 0))`)
  expect(messages(await verify(bench))).toEqual([])
  await other.query('rollback')
  other.release()
  expect(await readLastVerification(bench.app.db)).toBeNull()
  expect(messages(await verify(bench))).toEqual(['verification started', 'verification ended'])
})

it('stops at the signal without a result', async () => {
  await using bench = await createTestApp()
  expect(messages(await verify(bench, stopAt('verification started')))).toEqual(['verification started'])
  expect(await readLastVerification(bench.app.db)).toBeNull()
})

it('fails before it compares a database that a newer version has migrated', async () => {
  await using bench = await createTestApp()
  await sql`insert into identifai.schema_migrations (name, timestamp) values ('9999-later', now()::text)`.execute(
    bench.app.db,
  )
  const log = await verify(bench, stopAt('verification failed'))
  expect(messages(log)).toEqual(['verification failed'])
  expect(log[0]).toMatchObject({ err: { message: expect.stringContaining('newer identifai-sync') } })
  expect(await readLastVerification(bench.app.db)).toBeNull()
})

it('ends half an hour after a failure, so that it is not repeated every minute', async () => {
  await using bench = await createTestApp()
  await sql`drop table identifai.verifications`.execute(bench.app.db)
  const failed = Promise.withResolvers<void>()
  let hasEnded = false
  const verified = verify(bench, ({ msg }) => {
    if (msg !== 'verification failed') return
    // Only now, because the driver of the database needs real time.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], fakeNodeBuiltins: true })
    failed.resolve()
  }).then(() => {
    hasEnded = true
  })
  await failed.promise
  const halfAnHour = 30 * 60_000
  await vi.advanceTimersByTimeAsync(halfAnHour - 1)
  expect(hasEnded).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  await verified
})
