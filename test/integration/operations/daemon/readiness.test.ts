import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createReadiness } from '../../../../src/operations/daemon/readiness.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'

const HOUR_MS = 3_600_000

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const read = (hoursSinceStart: number) =>
  createReadiness({
    db: () => database.db,
    startedAt: new Date(Date.now() - hoursSinceStart * HOUR_MS),
    maxAgeHours: 26,
    isDraining: () => false,
  })()

it('counts the age of the last success, and before the first success that of the daemon', async () => {
  expect(await read(25)).toEqual({ ready: true, problems: [], last_success_at: null })
  expect(await read(26.1)).toMatchObject({
    ready: false,
    problems: ['no run has succeeded in the last 26 hours'],
  })
  const succeed = (age: string) =>
    sql`
      insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version)
      values (gen_random_uuid(), 'nightly', 'succeeded', now() - ${age}::interval, now() - ${age}::interval, 'h', 1, '0')`.execute(
      database.db,
    )
  await succeed('26 hours 1 minute')
  expect(await read(1)).toMatchObject({
    ready: false,
    problems: ['no run has succeeded in the last 26 hours'],
    last_success_at: expect.any(Date),
  })
  await succeed('25 hours')
  expect(await read(1000)).toMatchObject({ ready: true, problems: [], last_success_at: expect.any(Date) })
})
