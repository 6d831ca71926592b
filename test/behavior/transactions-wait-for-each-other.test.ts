import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readClock } from '../../src/platform/postgres/clock.ts'
import type { Claim } from '../../src/pipeline/queue/claim.ts'
import { argumentEntries } from '../../src/pipeline/queue/input/read-arguments.ts'
import { releaseClaims } from '../../src/pipeline/queue/lease.ts'
import { requeue } from '../../src/pipeline/queue/requeue.ts'
import { retire } from '../../src/pipeline/queue/retire.ts'
import { rewritePage } from '../../src/pipeline/replay/replay-page.ts'
import { closeRun } from '../../src/pipeline/run/run-rows.ts'
import { createTestQueue, type TestQueue } from '../support/test-queue.ts'
import { endsOrWaits } from '../support/waits.ts'

let queue: TestQueue
beforeEach(async () => {
  queue = await createTestQueue()
})
afterEach(() => queue[Symbol.asyncDispose]())

const ENDING = { status: 'succeeded', error: null } as const

/** Holds the lock of a tracked identifier while `work` begins. */
async function whileLocked(identifier: string, work: () => Promise<void>): Promise<void> {
  await queue.db.transaction().execute(async (trx) => {
    await sql`select from identifai.identifiers where identifier = ${identifier} for update`.execute(trx)
    await work()
  })
}

describe('identifiers are locked in the order of their ids', () => {
  it.each<[string, (claims: readonly Claim[]) => Promise<unknown>]>([
    ['by a load', (claims) => queue.load(claims.toReversed())],
    [
      'by a release',
      (claims) =>
        releaseClaims(
          queue.db,
          queue.run,
          claims.toReversed().map((claim) => ({ claim })),
        ),
    ],
    [
      'by a replay',
      (claims) =>
        rewritePage(
          queue.pool,
          claims.map(({ id }) => id),
        ),
    ],
    ['by a command', () => requeue(queue.db, argumentEntries(['b', 'a']))],
    ['by the end of tracking', () => retire(queue.db, argumentEntries(['b', 'a']), { reason: 'test' })],
  ])('%s', async (_, change) => {
    await queue.track('a', 'b')
    const claims = await queue.claim()
    let changed: Promise<unknown> = Promise.resolve()
    let free: unknown[] = []
    await whileLocked('b', async () => {
      changed = change(claims)
      await endsOrWaits(queue.db, changed)
      const { rows } = await sql`
        select from identifai.identifiers where identifier = 'a' for update skip locked`.execute(queue.db)
      free = rows
    })
    await changed
    expect(free).toEqual([])
  })
})

it('a run is closed after the load that writes into it', async () => {
  await queue.track('a')
  const claims = await queue.claim()
  let loaded: Promise<unknown> = Promise.resolve()
  let closed: ReturnType<typeof closeRun> = Promise.resolve(undefined)
  await whileLocked('a', async () => {
    loaded = queue.load(claims)
    await endsOrWaits(queue.db, loaded)
    closed = closeRun(queue.db, queue.run, ENDING)
    await expect
      .poll(async () => {
        const { rows } = await sql<{ waits: boolean }>`
          select exists (select from pg_locks where not granted and locktype = 'transactionid'
            and pid in (select pid from pg_stat_activity where datname = current_database()
              and query like '%"identifai"."sync_runs"%')) or exists (
            select from identifai.sync_runs where status <> 'running') as waits`.execute(queue.db)
        return rows[0]?.waits
      })
      .toBe(true)
  })
  await loaded
  expect(await closed).toMatchObject({ leaf_count: 1 })
})

it('a load whose lease expires while it waits writes nothing', async () => {
  await queue.track('a')
  const claims = await queue.claim(queue.run, { leaseSeconds: 1 })
  let loaded: ReturnType<typeof queue.load> | undefined
  await whileLocked('a', async () => {
    loaded = queue.load(claims)
    await endsOrWaits(queue.db, loaded)
    const { lease_until } = await queue.rowOf('a')
    await expect.poll(async () => (await readClock(queue.db)) > (lease_until?.toISOString() ?? '')).toBe(true)
  })
  expect((await loaded)?.expired).toHaveLength(1)
  expect(await queue.countRevisions()).toBe(0)
})

describe('a run that ends waits for a transaction that has written', () => {
  it.each([
    [
      'a note',
      'notes_through',
      sql`insert into identifai.override_notes (file_hash, forced_to, author, reason) values ('h', 'human', 'a', 'r')`,
    ],
    [
      'an action',
      'actions_through',
      sql`insert into identifai.actions (kind, identifiers) values ('prune', 1)`,
    ],
  ])('%s, and seals it', async (_, through, insert) => {
    let closed: ReturnType<typeof closeRun> = Promise.resolve(undefined)
    await queue.db.transaction().execute(async (trx) => {
      await insert.execute(trx)
      closed = closeRun(queue.db, queue.run, ENDING)
      await endsOrWaits(queue.db, closed)
    })
    expect(await closed).toMatchObject({ [through]: 1, leaf_count: 1 })
  })

  it.each([
    [
      'notes',
      'notes_through',
      sql`insert into identifai.override_notes (file_hash, forced_to, author, reason) select 'h', 'human', 'a', 'r'`,
    ],
    ['actions', 'actions_through', sql`insert into identifai.actions (kind, identifiers) select 'prune', 1`],
  ])('also while it still writes %s', async (_, through, insert) => {
    let written: Promise<unknown> = Promise.resolve()
    let closed: ReturnType<typeof closeRun> = Promise.resolve(undefined)
    await queue.db.transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(2)`.execute(trx)
      // The second row waits, after the first one has got its number.
      written =
        sql`${insert} from generate_series(1, 2) as n, lateral (select pg_advisory_xact_lock(n)) as lock`.execute(
          queue.db,
        )
      await endsOrWaits(queue.db, written)
      closed = closeRun(queue.db, queue.run, ENDING)
      await endsOrWaits(queue.db, closed, { others: 1 })
    })
    await written
    expect(await closed).toMatchObject({ [through]: 2, leaf_count: 2 })
  })
})
