import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { readLastNightly, readLastSuccess } from '../../../src/operations/daemon/last-runs.ts'
import { RUN_STATUSES, RUN_TRIGGERS } from '../../../src/platform/postgres/tables/runs.ts'
import { createTestDatabase } from '../../support/test-database.ts'

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
