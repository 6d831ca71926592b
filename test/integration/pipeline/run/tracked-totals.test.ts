import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { readTrackedTotals } from '../../../../src/pipeline/run/tracked-totals.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

it('the totals of a run have the oldest confirmation over all states, and of unfinished identifiers the oldest time', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await sql`
    insert into identifai.identifiers (identifier, state, enqueued_at, finished_at, last_confirmed_at) values
      ('done', 'done', '2026-01-01Z', '2026-01-02Z', '2026-01-05Z'),
      ('later', 'done', '2026-01-01Z', '2026-01-02Z', '2026-01-08Z'),
      ('errored', 'errored', '2026-01-01Z', '2026-01-02Z', '2026-01-09Z'),
      ('missing', 'missing', '2026-01-01Z', '2026-01-02Z', '2026-01-04Z'),
      ('new', 'pending', '2026-01-03Z', null, '2026-01-06Z')`.execute(db)
  expect(await readTrackedTotals(db, randomUUID())).toMatchObject({
    tracked_count: 5,
    done_count: 2,
    errored_count: 1,
    missing_count: 1,
    pending_count: 1,
    confirmed_since: '2026-01-05T00:00:00.000000Z',
    unfinished_since: '2026-01-03T00:00:00.000000Z',
    reanalyzing_count: 0,
    unsealed_runs: 0,
  })
})
