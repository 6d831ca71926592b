import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { readClock } from '../../src/platform/postgres/clock.ts'
import { benchAgainst } from '../support/bench-against.ts'
import { createTestCli } from '../support/test-cli.ts'

/** After how many days the API deletes a result. Its documented 90 take many nights and prove no more. */
const RETENTION_DAYS = 12

it('results that the vendor deletes are retired, and reports stay complete and state their number', async () => {
  const gone = new Set<string>()
  await using bench = await benchAgainst(
    (identifiers) =>
      identifiers.filter((one) => !gone.has(one)).map((identifier) => ({ identifier, status: 'done' })),
    { SYNC_RETIRE_MISSING_DAYS: '2', SYNC_MISSING_AFTER: '1' },
  )
  using cli = createTestCli()
  const nightlyRun = async (number: number) => {
    await bench.enqueue(Array.from({ length: 10 }, (_, n) => `day-${number}-${n}`))
    await bench.makeAllDue()
    for (let n = 0; n < 10; n++) gone.add(`day-${number - RETENTION_DAYS}-${n}`)
    await bench.run({ trigger: 'nightly' })
    await ageByADay()
  }
  // The history is append-only, but not for the owner of the tables in a test.
  const ageByADay = async () => {
    await sql`alter table identifai.classification_revisions disable trigger user`.execute(bench.app.db)
    await sql`update identifai.classification_revisions
      set observed_at = ((observed_at at time zone 'UTC') - interval '1 day') at time zone 'UTC'
      where 'disappeared' = any(causes)`.execute(bench.app.db)
    await sql`alter table identifai.classification_revisions enable trigger user`.execute(bench.app.db)
  }
  let endOfPeriod = ''
  for (let number = 1; number <= RETENTION_DAYS + 5; number++) {
    await nightlyRun(number)
    if (number === RETENTION_DAYS) endOfPeriod = await readClock(bench.app.db)
  }
  const { rows } = await sql`
    select state, retired_reason, count(*) from identifai.identifiers group by 1, 2 order by 1, 2`.execute(
    bench.app.db,
  )
  expect(rows).toEqual([
    { state: 'done', retired_reason: null, count: 120 },
    { state: 'missing', retired_reason: null, count: 20 },
    { state: 'retired', retired_reason: 'missing for 2 days', count: 30 },
  ])
  const report = async (...args: string[]) =>
    cli.call(['report', 'forced', ...args], { DATABASE_URL: bench.database.url })
  const complete = await report('--to', endOfPeriod)
  expect(complete).toMatchObject({ code: 0 })
  expect(complete.stdout).toMatch(/30 .*missing for 2 days/)
  // The last confirmation of those that are missing now is before this end.
  expect(await report('--to', await readClock(bench.app.db))).toMatchObject({ code: 6 })
})
