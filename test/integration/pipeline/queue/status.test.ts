import { expect, it } from 'vitest'
import { readQueue } from '../../../../src/pipeline/queue/status.ts'
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
