import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Claim } from '../../../../src/pipeline/queue/claim.ts'
import { ClaimCursor } from '../../../../src/pipeline/queue/claim-cursor.ts'
import { readLeaseHolders, releaseClaims, renewLeases } from '../../../../src/pipeline/queue/lease.ts'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { retire } from '../../../../src/pipeline/queue/retire.ts'
import { createTestQueue, type TestQueue } from '../../../support/test-queue.ts'

let queue: TestQueue
beforeEach(async () => {
  queue = await createTestQueue()
})
afterEach(() => queue[Symbol.asyncDispose]())

describe('releasing claims', () => {
  it('changes nothing else, or counts the failed request', async () => {
    await queue.track('a', 'b')
    const claims = await queue.claim()
    const [a, b] = ['a', 'b'].map((name) => claims.find(({ identifier }) => identifier === name)) as [
      Claim,
      Claim,
    ]
    await releaseClaims(queue.db, queue.run, [
      { claim: a },
      { claim: b, failure: { message: 'reset', dueAfterSeconds: 60 } },
    ])
    expect(await queue.rowOf('a')).toMatchObject({
      state: 'pending',
      attempts: 0,
      last_error: null,
      due: true,
      leased_by: null,
    })
    expect(await queue.rowOf('b')).toMatchObject({
      state: 'pending',
      attempts: 1,
      last_error: 'reset',
      due: false,
      leased_by: null,
    })
  })

  it('keeps an identifier due whose refresh was requested while it was claimed', async () => {
    await queue.track('a')
    const [claim] = (await queue.claim()) as [Claim]
    await sql`select identifai.request_refresh('a')`.execute(queue.db)
    const failure = { message: 'reset', dueAfterSeconds: 60 }
    await releaseClaims(queue.db, queue.run, [{ claim, failure }])
    expect(await queue.rowOf('a')).toMatchObject({ attempts: 1, due: true, priority: 10 })
    // The next failure counts: the refresh was requested before this claim.
    const [again] = (await queue.claim()) as [Claim]
    await releaseClaims(queue.db, queue.run, [{ claim: again, failure }])
    expect(await queue.rowOf('a')).toMatchObject({ attempts: 2, due: false })
  })

  it('puts a withheld one behind all others, and keeps its due time', async () => {
    await queue.track('a')
    const [claim] = (await queue.claim()) as [Claim]
    await releaseClaims(queue.db, queue.run, [{ claim, withheld: 'the reason' }])
    expect(await queue.rowOf('a')).toMatchObject({ attempts: 0, due: true, last_error: 'the reason' })
    await queue.track('b')
    const cursor = new ClaimCursor(queue.db, {
      media: 'audio',
      leastPriority: -100,
      runId: queue.run,
      leaseSeconds: 60,
      clock: () => performance.now(),
    })
    expect((await cursor.next(10)).map(({ identifier }) => identifier)).toEqual(['b'])
    const [last] = (await cursor.next(10)) as [Claim]
    expect(last.identifier).toBe('a')
    await queue.load([last])
    expect(await queue.rowOf('a')).toMatchObject({ withheld_at: null, last_error: null })
  })

  it('does not release a newer claim of the same run', async () => {
    await queue.track('a')
    const claims = await queue.claim()
    await queue.set('a', "lease_until = now() - interval '1 second'")
    await queue.claim()
    await releaseClaims(
      queue.db,
      queue.run,
      claims.map((old) => ({ claim: old })),
    )
    expect(await queue.rowOf('a')).toMatchObject({ leased_by: queue.run })
  })

  it('does not release a claim of another run', async () => {
    await queue.track('a')
    const claims = await queue.claim()
    await queue.set('a', "lease_until = now() - interval '1 second'")
    const other = await queue.newRun()
    await queue.claim(other)
    await releaseClaims(
      queue.db,
      queue.run,
      claims.map((mine) => ({ claim: mine, failure: { message: 'x', dueAfterSeconds: 1 } })),
    )
    expect(await queue.rowOf('a')).toMatchObject({ leased_by: other, attempts: 0 })
  })
})

it('a release leaves an identifier that was retired meanwhile as it is', async () => {
  await queue.track('a')
  const [claim] = (await queue.claim()) as [Claim]
  await retire(queue.db, argumentEntries(['a']), { reason: 'deleted' })
  const failure = { message: 'reset', dueAfterSeconds: 60 }
  await releaseClaims(queue.db, queue.run, [{ claim, failure }])
  expect(await queue.rowOf('a')).toMatchObject({
    state: 'retired',
    attempts: 0,
    last_error: null,
    due_at: null,
  })
})

it('the time left of another run is that until the first of its leases ends', async () => {
  await queue.track('a', 'b')
  await queue.claim()
  await queue.set('a', "lease_until = now() + interval '30 seconds'")
  const other = await queue.newRun()
  const [holder, ...others] = await readLeaseHolders(queue.db, {
    media: 'audio',
    runId: other,
    leastPriority: -100,
  })
  expect(others).toEqual([])
  expect(holder).toMatchObject({ runId: queue.run, identifiers: 2 })
  expect(holder?.secondsLeft).toBeGreaterThan(0)
  expect(holder?.secondsLeft).toBeLessThanOrEqual(30)
})

it('an identifier of a control group that is not due is not withheld', async () => {
  await queue.track('a')
  const [claim] = (await queue.claim()) as [Claim]
  await queue.set('a', "due_at = now() + interval '1 hour'")
  await releaseClaims(queue.db, queue.run, [{ claim, withheld: 'the reason' }])
  expect(await queue.rowOf('a')).toMatchObject({ withheld_at: null, last_error: null, leased_by: null })
})

describe('renewing leases', () => {
  it('skips a row that another transaction has locked, without waiting for it', async () => {
    await queue.track('a', 'b')
    const ids = (await queue.claim()).map(({ id }) => id)
    await sql`update identifai.identifiers set lease_until = now() + interval '1 second'`.execute(queue.db)
    await queue.db.transaction().execute(async (trx) => {
      await sql`select from identifai.identifiers where identifier = 'a' for update`.execute(trx)
      await renewLeases(queue.db, { runId: queue.run, ids, leaseSeconds: 600 })
    })
    const { rows } = await sql`
      select identifier from identifai.identifiers where lease_until > now() + interval '5 minutes'`.execute(
      queue.db,
    )
    expect(rows).toEqual([{ identifier: 'b' }])
  })

  it('extends the given leases of the run, and no others', async () => {
    await queue.track('a', 'b', 'unknown')
    const claims = await queue.claim()
    await queue.set('b', `leased_by = '${randomUUID()}'`)
    await sql`update identifai.identifiers set lease_until = now() + interval '1 second'`.execute(queue.db)
    const ids = claims.filter(({ identifier }) => identifier !== 'unknown').map(({ id }) => id)
    await renewLeases(queue.db, { runId: queue.run, ids, leaseSeconds: 600 })
    const { rows } = await sql<{ identifier: string; extended: boolean }>`
      select identifier, lease_until > now() + interval '5 minutes' as extended from identifai.identifiers
      order by identifier`.execute(queue.db)
    expect(rows).toEqual([
      { identifier: 'a', extended: true },
      { identifier: 'b', extended: false },
      { identifier: 'unknown', extended: false },
    ])
  })
})

it('the holders of leases are other runs with identifiers that are due, while their leases last', async () => {
  await queue.track('own', 'expired', 'later', 'leased')
  await queue.claim()
  const other = await queue.newRun()
  for (const identifier of ['expired', 'later', 'leased'])
    await queue.set(identifier, `leased_by = '${other}'`)
  await queue.set('expired', "lease_until = now() - interval '1 second'")
  await queue.set('later', "due_at = now() + interval '1 hour'")
  const holders = await readLeaseHolders(queue.db, { media: 'audio', runId: queue.run, leastPriority: -100 })
  expect(holders).toMatchObject([{ runId: other, identifiers: 1, heartbeatAt: expect.any(String) }])
})
