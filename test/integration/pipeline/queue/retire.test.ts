import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { retire, retireMissing } from '../../../../src/pipeline/queue/retire.ts'
import { createLogger } from '../../../../src/platform/logger.ts'
import { startCannedApi } from '../../../support/canned-api.ts'
import { createQueueOfStates, readActions, readStates } from '../../../support/queue-of-states.ts'
import { writeRevisions } from '../../../support/seal-history.ts'
import { createTestQueue } from '../../../support/test-queue.ts'
import { createTestApp } from '../../../support/test-app.ts'

describe('retire', () => {
  it('ends tracking, once, with its reason', async () => {
    await using database = await createQueueOfStates()
    const options = { reason: 'deleted on request' }
    const named = () => argumentEntries(['done', 'retired', 'x'])
    const result = { changed: 1, unknown_count: 2, unknown: ['retired', 'x'] }
    const before = await readStates(database)
    expect(await retire(database.db, named(), { ...options, dryRun: true })).toMatchObject(result)
    expect(await readStates(database)).toEqual(before)
    expect(await retire(database.db, named(), options)).toMatchObject(result)
    expect(await readStates(database)).toMatchObject([
      { identifier: 'done', state: 'retired', due: null, retired_reason: 'deleted on request' },
      { identifier: 'missing', state: 'missing' },
      { identifier: 'quarantined', state: 'quarantined' },
      { identifier: 'retired', retired_reason: 'before' },
    ])
    // The second time, it concerns no identifier, and leaves no trace.
    expect(await retire(database.db, named(), options)).toMatchObject({ changed: 0 })
    expect(await readActions(database)).toEqual([
      { kind: 'retire', identifiers: 1, author: null, ...options },
    ])
  })

  it('is not undone by a response of a current request', async () => {
    await using api = await startCannedApi((identifiers, response) => {
      void retire(bench.app.db, argumentEntries(['a']), { reason: 'r' }).then(() =>
        response.end(JSON.stringify(identifiers.map((identifier) => ({ identifier, status: 'done' })))),
      )
      return undefined
    })
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(['a', 'b'])
    expect(await bench.run()).toMatchObject({
      status: 'partial',
      done: 1,
      released: 1,
      retired_count: 1,
    })
    const { rows: found } = await sql`select identifier, state from identifai.identifiers order by 1`.execute(
      bench.app.db,
    )
    expect(found).toEqual([
      { identifier: 'a', state: 'retired' },
      { identifier: 'b', state: 'done' },
    ])
  })
})

it('missing identifiers are retired when they had a result, and disappeared at least two days ago', async () => {
  await using queue = await createTestQueue()
  await queue.track('long', 'recent', 'unfinished', 'unknown')
  const revisions = [
    ['long', 'disappeared', 'done', 3],
    ['recent', 'disappeared', 'done', 1],
    ['unfinished', 'first_seen', 'new', 3],
  ] as const
  for (const [identifier, cause, status, days] of revisions) {
    const { id: classification_id } = await queue.rowOf(identifier)
    const observed_at = new Date(Date.now() - days * 86_400_000).toISOString()
    await writeRevisions(queue.db, queue.run, [
      { classification_id, revision_no: 1, observed_at, causes: [cause], status },
    ])
  }
  await sql`update identifai.identifiers set state = 'missing'`.execute(queue.db)
  const logger = createLogger({ level: 'silent', terminal: false })
  expect(await retireMissing(queue.db, { days: 2, logger })).toBe(1)
  expect(await queue.rowOf('long')).toMatchObject({ state: 'retired', retired_reason: 'missing for 2 days' })
  expect(await readActions(queue)).toEqual([
    { kind: 'retire', identifiers: 1, author: null, reason: 'missing for 2 days' },
  ])
})
