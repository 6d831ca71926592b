import { expect, it } from 'vitest'
import { statusPage } from '../../../../../src/operations/daemon/status-page/page.ts'
import { readRecent } from '../../../../../src/operations/status/read-recent.ts'
import { at, firstRevision, forced } from '../../../../support/july.ts'
import { sealHistory } from '../../../../support/seal-history.ts'
import { createTestDatabase } from '../../../../support/test-database.ts'

it('has the interval of each change of a forced label, in the time zone', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await sealHistory(db, firstRevision([1]))
  await sealHistory(db, [forced(1, at(2), at(3, 23))])
  const timeZone = 'Europe/Rome'
  const page = statusPage({
    readiness: undefined,
    recent: await readRecent(db, timeZone),
    queue: undefined,
    nextNightly: null,
    now: new Date(),
    timeZone,
    requestsPerMinute: 60,
    refreshes: false,
  })
  const times = [...page.matchAll(/data-label="(Not before|Not after)">([^<]*)</g)].map(([, ...cell]) => cell)
  // In summer, Rome is two hours ahead of UTC.
  expect(times).toEqual([
    ['Not before', '2026-07-02 02:00:00'],
    ['Not after', '2026-07-04 01:00:00'],
  ])
})
