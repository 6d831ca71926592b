import { describe, expect, it } from 'vitest'
import { requeue } from '../../../../src/pipeline/queue/requeue.ts'
import { createQueueOfStates, readStates } from '../../../support/queue-of-states.ts'

describe('requeue', () => {
  it('makes those named due now, and leaves retired and unknown ones alone', async () => {
    await using database = await createQueueOfStates()
    const due = await requeue(database.db, {
      identifiers: ['done', 'missing', 'quarantined', 'retired', 'x'],
    })
    expect(due.toSorted()).toEqual(['done', 'missing', 'quarantined'])
    expect(await readStates(database)).toMatchObject([
      { identifier: 'done', state: 'done', due: true, priority: 10 },
      { identifier: 'missing', state: 'missing', due: true, absences: 5 },
      { identifier: 'quarantined', state: 'pending', due: true, absences: 0 },
      { identifier: 'retired', state: 'retired', due: null, retired_reason: 'before' },
    ])
  })

  it('takes all of one state', async () => {
    await using database = await createQueueOfStates()
    expect(await requeue(database.db, { state: 'quarantined' })).toEqual(['quarantined'])
    expect(await requeue(database.db, { state: 'missing' })).toEqual(['missing'])
  })
})
