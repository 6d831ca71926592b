import { expect, it } from 'vitest'
import { readLastForces } from '../../../../src/compliance/history/read-last-forces.ts'
import { at, firstRevision, forced } from '../../../support/july.ts'
import { sealHistory } from '../../../support/seal-history.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

it('the last changes of forced labels come latest first, each with the label of the finished record before it', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await sealHistory(db, [
    ...firstRevision([1]),
    forced(1, at(2), at(3)),
    { classification_id: 1, revision_no: 3, observed_at: at(4), causes: ['status_changed'], status: 'new' },
    forced(1, at(4), at(5), {
      revision_no: 4,
      causes: ['force_changed'],
      force_classification: 'artificial',
    }),
    forced(1, at(6), at(7), { revision_no: 5, causes: ['unforced'], force_classification: null }),
  ])
  const labels = (await readLastForces(db, 3)).map(({ forced_from, forced_to }) => [forced_from, forced_to])
  expect(labels).toEqual([
    ['artificial', null],
    ['human', 'artificial'],
    [null, 'human'],
  ])
  expect(await readLastForces(db, 1)).toMatchObject([
    { not_before: new Date(at(6)), not_after: new Date(at(7)) },
  ])
})
