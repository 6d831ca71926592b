import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { retire } from '../../../../src/pipeline/queue/retire.ts'
import { startCannedApi } from '../../../support/canned-api.ts'
import { createQueueOfStates, readStates } from '../../../support/queue-of-states.ts'
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
