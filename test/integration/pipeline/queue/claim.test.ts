import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claimControlGroup, claimQuarantined, untilPendingDue } from '../../../../src/pipeline/queue/claim.ts'
import { PRIORITY } from '../../../../src/pipeline/queue/priority.ts'
import { createTestQueue, type TestQueue } from '../../../support/test-queue.ts'

let queue: TestQueue
beforeEach(async () => {
  queue = await createTestQueue()
})
afterEach(() => queue[Symbol.asyncDispose]())

describe('a claim', () => {
  it('takes due identifiers, highest priority and longest due first', async () => {
    await queue.track('refreshed', 'later', 'early', 'late', 'urgent', 'retired')
    await queue.set('refreshed', "priority = -10, due_at = now() - interval '9 days'")
    await queue.set('later', "priority = 5, due_at = now() + interval '1 minute'")
    await queue.set('early', "due_at = now() - interval '2 minutes'")
    await queue.set('late', "due_at = now() - interval '1 minute'")
    await queue.set('urgent', 'priority = 10')
    await queue.set(
      'retired',
      "state = 'retired', retired_at = now(), retired_reason = 'test', due_at = null",
    )
    const order = []
    for (
      let claims = await queue.claim(queue.run, { limit: 1 });
      claims.length > 0;
      claims = await queue.claim(queue.run, { limit: 1 })
    ) {
      order.push(...claims.map(({ identifier }) => identifier))
    }
    expect(order).toEqual(['urgent', 'early', 'late', 'refreshed'])
  })

  it('never takes more than the limit, over all priorities', async () => {
    await queue.track('a', 'b', 'c', 'd')
    await queue.set('a', 'priority = 10')
    await queue.set('b', 'priority = -10')
    expect(await queue.claim(queue.run, { limit: 3 })).toHaveLength(3)
    expect(await queue.claim(queue.run, { limit: 3 })).toHaveLength(1)
  })

  it('gives each row to one of several runs that claim at the same time', async () => {
    await queue.track(...Array.from({ length: 60 }, (_, n) => `id-${n}`))
    const runs = await Promise.all(Array.from({ length: 6 }, () => queue.newRun()))
    const claimed = (await Promise.all(runs.map((run) => queue.claim(run, { limit: 10 })))).flat()
    expect(new Set(claimed.map(({ id }) => id)).size).toBe(claimed.length)
    const rest = await queue.claim()
    expect(claimed.length + rest.length).toBe(60)
  })

  it('skips a row that another session has locked, without waiting for it', async () => {
    await queue.track('locked', 'free')
    await queue.db.transaction().execute(async (trx) => {
      await sql`select from identifai.identifiers where identifier = 'locked' for update`.execute(trx)
      expect((await queue.claim()).map(({ identifier }) => identifier)).toEqual(['free'])
    })
    expect((await queue.claim()).map(({ identifier }) => identifier)).toEqual(['locked'])
  }, 10_000)

  it('takes no leased row before its lease expires', async () => {
    await queue.track('a')
    const [first] = await queue.claim()
    expect(await queue.claim(await queue.newRun())).toEqual([])
    await queue.set('a', "lease_until = now() - interval '1 second'")
    const [second] = await queue.claim(await queue.newRun())
    expect(second?.claimNo).toBe((first?.claimNo ?? 0) + 1)
  })

  it('takes a finished identifier at most once a run, unless a refresh was requested after its request', async () => {
    await queue.track('a')
    await queue.load(await queue.claim())
    await queue.set('a', 'due_at = now()')
    expect(await queue.claim()).toEqual([])
    expect(await queue.claim(await queue.newRun())).toHaveLength(1)
    await sql`update identifai.identifiers set lease_until = null, leased_by = null`.execute(queue.db)
    await sql`select identifai.request_refresh('a')`.execute(queue.db)
    expect(await queue.claim()).toHaveLength(1)
  })

  it('takes identifiers of one medium', async () => {
    // The migration of another medium does the same.
    await sql`insert into identifai.media (media) values ('image')`.execute(queue.db)
    await sql`insert into identifai.identifiers (media, identifier) values ('image', 'a'), ('audio', 'a')`.execute(
      queue.db,
    )
    expect(await queue.claim()).toHaveLength(1)
    expect(await queue.claim(queue.run, { media: 'image' })).toHaveLength(1)
  })
})

const LEASED = "leased_by = gen_random_uuid(), lease_until = now() + interval '1 minute'"
const EXPIRED = "lease_until = now() - interval '1 second'"

it('a control group has finished identifiers that the last response had, and that no other run has leased', async () => {
  await queue.track('absent', 'leased', 'expired', 'good', 'pending')
  const claims = await queue.claim()
  await queue.load(claims.filter(({ identifier }) => identifier !== 'pending'))
  await queue.set('absent', 'absences = 1')
  await queue.set('leased', LEASED)
  await queue.set('expired', LEASED)
  await queue.set('expired', EXPIRED)
  const options = { media: 'audio', runId: queue.run, limit: 10, leaseSeconds: 60 }
  const group = await claimControlGroup(queue.db, options)
  expect(group.map(({ identifier }) => identifier).toSorted()).toEqual(['expired', 'good'])
})

it('a quarantined identifier is claimed alone, and not while another run has leased it', async () => {
  await queue.track('a')
  const { id } = await queue.rowOf('a')
  const claim = () => claimQuarantined(queue.db, { id, runId: queue.run, leaseSeconds: 60 })
  expect(await claim()).toBeUndefined()
  await queue.set('a', `state = 'quarantined', due_at = null, ${LEASED}`)
  expect(await claim()).toBeUndefined()
  await queue.set('a', EXPIRED)
  expect(await claim()).toMatchObject({ id, claimNo: 1 })
})

it('the wait for unfinished identifiers is also for those from a file, and leaves out those that another run has leased', async () => {
  await queue.track('a')
  expect(await untilPendingDue(queue.db, 'audio')).toBeLessThanOrEqual(0)
  await queue.set('a', `priority = ${PRIORITY.bulk}`)
  expect(await untilPendingDue(queue.db, 'audio')).toBeLessThanOrEqual(0)
  await queue.set('a', LEASED)
  expect(await untilPendingDue(queue.db, 'audio')).toBeNull()
  await queue.set('a', EXPIRED)
  expect(await untilPendingDue(queue.db, 'audio')).toBeLessThanOrEqual(0)
})
