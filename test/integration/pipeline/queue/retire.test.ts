import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { retire } from '../../../../src/pipeline/queue/retire.ts'
import { startCannedApi } from '../../../support/canned-api.ts'
import { createQueueOfStates, readStates } from '../../../support/queue-of-states.ts'
import { createTestApp } from '../../../support/test-app.ts'

describe('retire', () => {
  it('ends tracking, once, with its reason', async () => {
    await using database = await createQueueOfStates()
    const options = { media: 'audio', identifiers: ['done', 'retired', 'x'], reason: 'deleted on request' }
    expect(await retire(database.db, options)).toEqual(['done'])
    expect(await readStates(database)).toMatchObject([
      { identifier: 'done', state: 'retired', due: null, retired_reason: 'deleted on request' },
      { identifier: 'missing', state: 'missing' },
      { identifier: 'quarantined', state: 'quarantined' },
      { identifier: 'retired', retired_reason: 'before' },
    ])
  })

  it('is not undone by a response of a current request', async () => {
    await using api = await startCannedApi((identifiers, response) => {
      void retire(bench.app.db, { identifiers: ['a'], reason: 'r' }).then(() =>
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
