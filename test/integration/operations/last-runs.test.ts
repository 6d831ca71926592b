import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { readLastNightly, readLastSuccess } from '../../../src/operations/daemon/last-runs.ts'
import { RUN_STATUSES, RUN_TRIGGERS } from '../../../src/platform/postgres/tables/runs.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

it('the last success of readiness is that of sync_freshness, for every kind of run', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const viewed = async () => {
    const { rows } = await sql<{ at: Date | null }>`
      select last_success_at as at from identifai_reporting.sync_freshness`.execute(db)
    return rows[0]?.at ?? null
  }
  expect(await viewed()).toBeNull()
  expect(await readLastSuccess(db)).toBeNull()
  const successes: string[] = []
  let last: Date | null = null
  for (const trigger of RUN_TRIGGERS) {
    for (const status of RUN_STATUSES.filter((one) => one !== 'running')) {
      await sql`
        insert into identifai.sync_runs (run_id, trigger, status, finished_at, host, pid, version)
        values (gen_random_uuid(), ${trigger}, ${status}, clock_timestamp(), 'h', 1, '0')`.execute(db)
      const now = await viewed()
      expect(await readLastSuccess(db)).toEqual(now)
      if (Number(now) !== Number(last)) successes.push(`${trigger} ${status}`)
      last = now
    }
  }
  expect(successes.toSorted()).toEqual([
    'demo partial',
    'demo succeeded',
    'manual partial',
    'manual succeeded',
    'nightly partial',
    'nightly succeeded',
  ])
})

it('the time since the last nightly run does not depend on the clock of this machine', async () => {
  await using database = await createTestDatabase()
  await sql`
    insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version)
    values (gen_random_uuid(), 'nightly', 'succeeded', now() - interval '30 seconds', now(), 'h', 1, '0')`.execute(
    database.db,
  )
  const last = await readLastNightly(database.db, 120)
  expect(last?.secondsAgo).toBeGreaterThanOrEqual(30)
  expect(last?.secondsAgo).toBeLessThan(60)
})

describe('the last nightly run that need not be repeated', () => {
  /** Inserts a run that started an hour ago, or as given, and has ended or recorded its last heartbeat since. */
  async function insertRun(
    db: TestDatabase['db'],
    status: string,
    { started = '1 hour', ended = '10 minutes', trigger = 'nightly' } = {},
  ): Promise<Date> {
    const { rows } = await sql<{ started_at: Date }>`
      insert into identifai.sync_runs (run_id, trigger, status, started_at, heartbeat_at, finished_at, host, pid, version)
      values (gen_random_uuid(), ${trigger}, ${status}, now() - ${started}::interval, now() - ${ended}::interval,
        case when ${status} <> 'running' then now() - ${ended}::interval end, 'h', 1, '0')
      returning started_at`.execute(db)
    return (rows[0] as { started_at: Date }).started_at
  }

  it.each([
    ['succeeded', '10 minutes', true],
    ['partial', '10 minutes', true],
    ['failed', '29 minutes', true],
    ['failed', '31 minutes', false],
    ['interrupted', '1 minute', false],
    ['running', '1 minute', true],
    ['running', '3 minutes', false],
  ])('can have the status %s, with its end or last heartbeat %s ago: %s', async (status, ended, canBe) => {
    await using database = await createTestDatabase()
    const { db } = database
    const former = await insertRun(db, 'succeeded', { started: '1 day', ended: '1 day' })
    const latest = await insertRun(db, status, { ended })
    await insertRun(db, 'succeeded', { trigger: 'fresh', started: '2 minutes', ended: '1 minute' })
    expect((await readLastNightly(db, 120))?.startedAt).toEqual(canBe ? latest : former)
  })

  it('is none before the first one, and a minute earlier than the first where each has to be repeated', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    await insertRun(db, 'succeeded', { trigger: 'fresh' })
    expect(await readLastNightly(db, 120)).toBeNull()
    const first = await insertRun(db, 'interrupted', { started: '2 hours' })
    await insertRun(db, 'interrupted')
    const last = await readLastNightly(db, 120)
    expect(Number(first) - Number(last?.startedAt)).toBe(60_000)
  })
})
