import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { requestSameFileRefresh } from '../../../../src/pipeline/load/same-file.ts'
import { createQueueOfStates, readStates } from '../../../support/queue-of-states.ts'

it('a refresh of same-file identifiers makes only finished identifiers due', async () => {
  await using database = await createQueueOfStates()
  const { rows: ids } = await sql<{ id: number }>`select id from identifai.identifiers`.execute(database.db)
  await requestSameFileRefresh(
    database.db,
    ids.map(({ id }) => id),
  )
  expect((await readStates(database)).map(({ identifier, due }) => [identifier, due])).toEqual([
    ['done', true],
    ['missing', false],
    ['quarantined', null],
    ['retired', null],
  ])
})
