import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { readNewestTimestamp } from '../../../../src/compliance/timestamp/read-newest.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

it('the newest timestamp is the latest one of the highest position of the chain, with its age', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  expect(await readNewestTimestamp(db)).toBeNull()
  for (const [position, authority, minutes] of [
    [1, 'one', 60],
    [1, 'other', 10],
    [2, 'one', 30],
    [2, 'other', 20],
  ] as const) {
    await sql`insert into identifai.chain_timestamps (chain_position, authority, token, received_at)
      values (${position}, ${authority}, '', now() - make_interval(mins => ${minutes}))`.execute(db)
  }
  const newest = await readNewestTimestamp(db)
  expect(newest?.chain_position).toBe(2)
  // The test takes less than five minutes.
  expect(Math.floor((newest?.age_seconds ?? 0) / 300)).toBe(4)
})
