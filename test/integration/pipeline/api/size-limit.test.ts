import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { readSizeLimit, storeSizeLimit } from '../../../../src/pipeline/api/size-limit.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

const URL = 'https://api.example'

it('the shortest length of a week counts, for the address that has it', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const stored = async (bytes: number) => {
    await storeSizeLimit(db, URL, bytes)
    return readSizeLimit(db, URL)
  }
  expect(await readSizeLimit(db, URL)).toBeUndefined()
  expect([await stored(5000), await stored(6000), await stored(4000)]).toEqual([5000, 5000, 4000])
  expect(await readSizeLimit(db, `${URL}/other`)).toBeUndefined()
  await sql`update identifai.api_size_limits set learned_at = now() - interval '8 days'`.execute(db)
  expect(await readSizeLimit(db, URL)).toBeUndefined()
  expect(await stored(6000)).toBe(6000)
})
