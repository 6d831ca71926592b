import { expect, it } from 'vitest'
import { readWholeQueue } from '../../../../src/operations/status/read-whole-queue.ts'
import { parseSyncConfig } from '../../../../src/platform/config/config.ts'
import { addNote } from '../../../support/add-note.ts'
import { firstRevision, forced } from '../../../support/july.ts'
import { sealHistory } from '../../../support/seal-history.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

it('a decision is unexplained only without a note, also when its note is late', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
  await sealHistory(db, firstRevision([1, 2, 3], { observed_at: daysAgo(30) }))
  await sealHistory(db, [
    forced(1, daysAgo(30), daysAgo(1)),
    forced(2, daysAgo(30), daysAgo(1)),
    // A note is late after seven days.
    forced(3, daysAgo(30), daysAgo(8)),
  ])
  await addNote(db, 'hash-2')
  await addNote(db, 'hash-3')
  const config = parseSyncConfig({ DATABASE_URL: database.url, IDENTIFAI_API_KEY: 'key' })
  expect(await readWholeQueue({ db, config })).toMatchObject({ unexplained: 1 })
})
