import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { closeRun } from '../../../../src/pipeline/run/run-rows.ts'
import { RunClosedError } from '../../../../src/platform/errors.ts'
import { readClock } from '../../../../src/platform/postgres/clock.ts'
import { createTestQueue, type TestQueue } from '../../../support/test-queue.ts'

let queue: TestQueue
beforeEach(async () => {
  queue = await createTestQueue()
})
afterEach(() => queue[Symbol.asyncDispose]())

describe('loading a batch', () => {
  it('finishes the row and ends its lease', async () => {
    await queue.track('a')
    await queue.load(await queue.claim())
    expect(await queue.rowOf('a')).toMatchObject({
      state: 'done',
      priority: -10,
      lease_until: null,
      leased_by: null,
      dueAfterSeconds: 12 * 3600,
      attempts: 0,
    })
  })

  it('resets the count of failed requests', async () => {
    await queue.track('a')
    await queue.set('a', 'attempts = 3')
    await queue.load(await queue.claim())
    expect(await queue.rowOf('a')).toMatchObject({ attempts: 0 })
  })

  it('is refused for a claim that another run has taken', async () => {
    await queue.track('a', 'b')
    const stale = await queue.claim()
    await queue.set('a', "lease_until = now() - interval '1 second'")
    const other = await queue.newRun()
    await queue.claim(other)
    const result = await queue.load(stale)
    expect(result.expired.map((outcome) => outcome.claim.identifier)).toEqual(['a'])
    expect(result.written.map((outcome) => outcome.claim.identifier)).toEqual(['b'])
    expect(await queue.countRevisions()).toBe(1)
    expect(await queue.rowOf('a')).toMatchObject({ state: 'pending', leased_by: other })
  })

  it('is refused for an expired lease, even when no other run has claimed the row', async () => {
    await queue.track('a')
    const claims = await queue.claim()
    await queue.set('a', "lease_until = now() - interval '1 second'")
    expect((await queue.load(claims)).expired).toHaveLength(1)
    expect(await queue.countRevisions()).toBe(0)
  })

  it('is refused for a claim of the same run that is not the latest', async () => {
    await queue.track('a')
    const first = await queue.claim()
    await queue.set('a', "lease_until = now() - interval '1 second'")
    await queue.claim()
    expect((await queue.load(first)).expired).toHaveLength(1)
    expect(await queue.countRevisions()).toBe(0)
  })

  it.each([
    ['a disappearance', null],
    ['evidence of a record that does not fit the contract', { status: 5 }],
  ])('writes %s only under its claim', async (_, more) => {
    await queue.track('a')
    await queue.load(await queue.claim())
    // The next absence is its fifth one.
    await queue.set('a', 'absences = 4, due_at = now()')
    const run = await queue.newRun()
    const claims = await queue.claim(run)
    const countRows = async () => {
      const quarantined = await sql`select from identifai.quarantined_payloads`.execute(queue.db)
      return (await queue.countRevisions()) + quarantined.rows.length
    }
    await queue.set('a', "lease_until = now() - interval '1 second'")
    expect((await queue.load(claims, run, undefined, more)).expired).toHaveLength(1)
    expect(await countRows()).toBe(1)
    await queue.set('a', "lease_until = now() + interval '1 minute'")
    expect((await queue.load(claims, run, undefined, more)).expired).toEqual([])
    expect(await countRows()).toBe(2)
  })

  it('is refused after the run is closed', async () => {
    await queue.track('a')
    const claims = await queue.claim()
    await closeRun(queue.db, queue.run, { status: 'interrupted', error: null })
    await expect(queue.load(claims)).rejects.toThrow(RunClosedError)
    expect(await queue.countRevisions()).toBe(0)
  })

  it('makes no interval that ends before it begins, although the clock was set back', async () => {
    await queue.track('a')
    await queue.load(await queue.claim())
    await queue.set(
      'a',
      "last_confirmed_at = now() + interval '1 hour', refresh_requested_at = now(), due_at = now()",
    )
    await queue.load(await queue.claim(), queue.run, undefined, { name: 'new' })
    const { rows } = await sql`
      select revision_no, previous_confirmed_at = observed_at as is_bounded from identifai.classification_revisions
      order by revision_no`.execute(queue.db)
    expect(rows).toEqual([
      { revision_no: 1, is_bounded: null },
      { revision_no: 2, is_bounded: true },
    ])
  })

  it('keeps a refresh request that came while the row was leased', async () => {
    await queue.track('a')
    const requestedAt = await readClock(queue.db)
    const claims = await queue.claim()
    await sql`select identifai.request_refresh('a')`.execute(queue.db)
    await queue.load(claims, queue.run, requestedAt)
    expect(await queue.rowOf('a')).toMatchObject({ state: 'done', due: true, priority: 10 })
  })

  it('keeps a refresh request of a transaction that began before the request', async () => {
    await queue.track('a')
    const claims = await queue.claim()
    const requestedAt = await queue.db.transaction().execute(async (trx) => {
      const clock = await readClock(queue.db)
      await sql`select identifai.request_refresh('a')`.execute(trx)
      return clock
    })
    await queue.load(claims, queue.run, requestedAt)
    expect(await queue.rowOf('a')).toMatchObject({ state: 'done', due: true, priority: 10 })
  })

  it('clears a refresh request that came before the request', async () => {
    await queue.track('a')
    await sql`select identifai.request_refresh('a')`.execute(queue.db)
    await queue.load(await queue.claim())
    expect(await queue.rowOf('a')).toMatchObject({ due: false, priority: -10 })
  })
})
