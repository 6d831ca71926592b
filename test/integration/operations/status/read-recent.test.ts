import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { readRecent } from '../../../../src/operations/status/read-recent.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

it('a nightly run has its day in the time zone, and health lasts since the first success after the last failure', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const runs = [
    ['succeeded', 5],
    ['failed', 4],
    ['succeeded', 3],
    ['partial', 2],
  ] as const
  for (const [status, days] of runs) {
    // An hour before midnight in UTC.
    await sql`
      insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version)
      select gen_random_uuid(), 'nightly', ${status}, t, t + interval '10 minutes', 'h', 1, '0'
      from (select (date_trunc('day', now() at time zone 'UTC') - make_interval(days => ${days}, hours => 1))
        at time zone 'UTC' as t) as started`.execute(db)
  }
  const [utc, tokyo] = [await readRecent(db, 'UTC'), await readRecent(db, 'Asia/Tokyo')]
  const [, , third] = utc.nightly
  expect(utc.healthy_since).toEqual(new Date(Number(third?.started_at) + 600_000))
  const isoDay = (time: Date) => time.toISOString().slice(0, 10)
  expect(utc.nightly.map(({ day }) => day)).toEqual(utc.nightly.map(({ started_at }) => isoDay(started_at)))
  const nextDay = (time: Date) => isoDay(new Date(Number(time) + 86_400_000))
  expect(tokyo.nightly.map(({ day }) => day)).toEqual(
    utc.nightly.map(({ started_at }) => nextDay(started_at)),
  )
  expect(tokyo.first_nightly_day).toBe(tokyo.nightly[0]?.day)
})
