import { expect, it } from 'vitest'
import { statusPage } from '../../../../src/operations/daemon/status-page/page.ts'
import { readWholeQueue } from '../../../../src/operations/status/read-whole-queue.ts'
import { parseSyncConfig } from '../../../../src/platform/config/config.ts'
import { addNote } from '../../../support/add-note.ts'
import { firstRevision, forced } from '../../../support/july.ts'
import { sealHistory } from '../../../support/seal-history.ts'
import { createTestDatabase } from '../../../support/test-database.ts'
import { createTestQueue } from '../../../support/test-queue.ts'

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

it('the due identifiers of each state are in one column of their age, on the page, too', async () => {
  await using queue = await createTestQueue()
  await queue.track('now', 'soon', 'hours', 'days', 'done')
  await queue.set('now', "state = 'missing', due_at = null")
  await queue.set('soon', "due_at = now() + interval '1 hour'")
  await queue.set('hours', "due_at = now() - interval '2 hours'")
  await queue.set('days', "due_at = now() - interval '2 days'")
  await queue.set('done', "state = 'done', due_at = now() - interval '10 minutes'")
  const config = parseSyncConfig({ DATABASE_URL: 'postgresql://host/x', IDENTIFAI_API_KEY: 'key' })
  const value = await readWholeQueue({ db: queue.db, config })
  expect(value.due).toEqual([
    { state: 'done', hour: 1, day: 0, longer: 0 },
    { state: 'pending', hour: 0, day: 1, longer: 1 },
  ])
  const page = statusPage({
    readiness: undefined,
    recent: undefined,
    queue: { value, at: new Date() },
    nextNightly: null,
    now: new Date(),
    timeZone: 'UTC',
    requestsPerMinute: 60,
    refreshes: false,
  })
  const due = (state: string) => {
    const row = page.slice(page.indexOf(`<span class="key ${state}">`))
    return [...row.matchAll(/data-label="Due for [^"]*">(\d+)</g)].slice(0, 3).map(([, number]) => number)
  }
  expect([due('missing'), due('pending'), due('done')]).toEqual([
    ['0', '0', '0'],
    ['0', '1', '1'],
    ['1', '0', '0'],
  ])
})
