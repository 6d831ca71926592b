import { expect, it } from 'vitest'
import { readQueue, readStates, readStuck } from '../../../../src/pipeline/queue/status.ts'
import { createTestQueue } from '../../../support/test-queue.ts'

it('the queue has those that are due, leased and waiting, and the first time at which one will be due', async () => {
  await using queue = await createTestQueue()
  await queue.track('leased')
  await queue.claim()
  await queue.track('due', 'expired', 'last', 'next')
  await queue.set('expired', "leased_by = gen_random_uuid(), lease_until = now() - interval '1 second'")
  await queue.set('last', "due_at = now() + interval '2 hours'")
  await queue.set('next', "due_at = now() + interval '1 hour'")
  const { due_at: next_due_at } = await queue.rowOf('next')
  expect(await readQueue(queue.db)).toEqual({ due: 2, leased: 1, waiting: 2, next_due_at })
})

it('a problem counts unless its identifier is retired, and those that are stuck come by state', async () => {
  await using queue = await createTestQueue()
  await queue.track('fine', 'failed', 'retired', 'quarantined', 'missing')
  await queue.set('failed', "last_error = 'Not returned.'")
  await queue.set(
    'retired',
    "state = 'retired', retired_at = now(), retired_reason = 'r', due_at = null, last_error = 'Refused.'",
  )
  await queue.set('quarantined', "state = 'quarantined', due_at = null, last_error = 'Invalid.'")
  await queue.set('missing', "state = 'missing'")
  const states = await readStates(queue.db)
  expect(states.map((one) => [one.state, one.identifiers, one.with_error, one.common_error])).toEqual([
    ['missing', 1, 0, null],
    ['pending', 2, 1, 'Not returned.'],
    ['quarantined', 1, 1, 'Invalid.'],
    ['retired', 1, 0, null],
  ])
  const stuck = await readStuck(queue.db, 10)
  expect(stuck.map(({ identifier }) => identifier)).toEqual(['quarantined', 'missing', 'failed'])
})
