import { describe, expect, it } from 'vitest'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { requeue, requeueState } from '../../../../src/pipeline/queue/requeue.ts'
import { createQueueOfStates, readActions, readStates } from '../../../support/queue-of-states.ts'
import { createTestQueue } from '../../../support/test-queue.ts'

describe('requeue', () => {
  it('makes those named due now, and leaves retired and unknown ones alone', async () => {
    await using database = await createQueueOfStates()
    const named = argumentEntries(['done', 'y', 'missing', 'quarantined', 'retired', 'done', 'x', ''])
    expect(await requeue(database.db, named)).toEqual({
      changed: 3,
      unknown_count: 3,
      unknown: ['y', 'retired', 'x'],
      invalid: 1,
      invalid_lines: [{ line: 8, reason: 'blank' }],
    })
    expect(await readStates(database)).toMatchObject([
      { identifier: 'done', state: 'done', due: true, priority: 10 },
      { identifier: 'missing', state: 'missing', due: true, absences: 5 },
      { identifier: 'quarantined', state: 'pending', due: true, absences: 0 },
      { identifier: 'retired', state: 'retired', due: null, retired_reason: 'before' },
    ])
    expect(await readActions(database)).toEqual([])
  })

  it('tracks retired ones again on request', async () => {
    await using database = await createQueueOfStates()
    const result = await requeue(database.db, argumentEntries(['retired']), {
      retired: { author: 'A', reason: 'by mistake' },
    })
    expect(await readActions(database)).toEqual([
      { kind: 'track_again', identifiers: 1, author: 'A', reason: 'by mistake' },
    ])
    expect(result).toMatchObject({ changed: 1, unknown: [] })
    expect((await readStates(database)).at(-1)).toMatchObject({
      identifier: 'retired',
      state: 'pending',
      due: true,
      absences: 0,
      retired_reason: null,
    })
  })

  it('ends the withholding of an identifier, so that it is claimed before the others', async () => {
    await using queue = await createTestQueue()
    await queue.track('other', 'withheld')
    await queue.set('withheld', 'withheld_at = now()')
    await requeue(queue.db, argumentEntries(['withheld']))
    const claims = await queue.claim(queue.run, { deferredToo: false })
    expect(claims.map(({ identifier }) => identifier)).toEqual(['withheld', 'other'])
  })

  it('takes all of one state', async () => {
    await using database = await createQueueOfStates()
    expect(await requeueState(database.db, 'quarantined')).toBe(1)
    expect(await requeueState(database.db, 'missing')).toBe(1)
  })

  it('counts, and changes nothing, in a dry run', async () => {
    await using database = await createQueueOfStates()
    const before = await readStates(database)
    const dryRun = { dryRun: true, retired: { author: null, reason: null } }
    expect(await requeue(database.db, argumentEntries(['done', 'retired', 'x']), dryRun)).toMatchObject({
      changed: 2,
      unknown: ['x'],
    })
    expect(await requeueState(database.db, 'missing', dryRun)).toBe(1)
    expect(await readStates(database)).toEqual(before)
  })
})
