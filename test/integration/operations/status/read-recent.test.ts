import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { readRecent } from '../../../../src/operations/status/read-recent.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

it('a nightly run has its day in the time zone, and health lasts since the first success after the last failure', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const runs = [
    ['fresh', 'succeeded', 6],
    ['nightly', 'succeeded', 5],
    ['nightly', 'failed', 4],
    ['nightly', 'succeeded', 3],
    ['nightly', 'partial', 2],
  ] as const
  for (const [trigger, status, days] of runs) {
    // An hour before midnight in UTC.
    await sql`
      insert into identifai.sync_runs (run_id, trigger, status, started_at, finished_at, host, pid, version)
      select gen_random_uuid(), ${trigger}, ${status}, t, t + interval '10 minutes', 'h', 1, '0'
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

it('drift is news for a week after it was first seen, however often it occurs', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  for (const [path, firstSeen] of [
    ['/old', '8 days'],
    ['/new', '6 days'],
  ]) {
    await sql`
      insert into identifai.schema_drift (media, path, kind, first_seen_at, last_seen_at)
      values ('audio', ${path}, 'unknown_field', now() - ${firstSeen}::interval, now())`.execute(db)
  }
  const { drift } = await readRecent(db, 'UTC')
  expect(drift).toEqual([{ path: '/new', kind: 'unknown_field' }])
})
