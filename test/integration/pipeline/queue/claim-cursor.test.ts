import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClaimCursor } from '../../../../src/pipeline/queue/claim-cursor.ts'
import { releaseClaims } from '../../../../src/pipeline/queue/lease.ts'
import { LOWEST_PRIORITY } from '../../../../src/pipeline/queue/priority.ts'
import { createTestQueue, type TestQueue } from '../../../support/test-queue.ts'

const MINUTE_MS = 60_000

let queue: TestQueue
let nowMs: number
let cursor: ClaimCursor
beforeEach(async () => {
  queue = await createTestQueue()
  nowMs = 0
  cursor = cursorOf(queue.run)
})
afterEach(() => queue[Symbol.asyncDispose]())

function cursorOf(runId: string): ClaimCursor {
  const options = { media: 'audio', leastPriority: LOWEST_PRIORITY, runId, leaseSeconds: 60 }
  return new ClaimCursor(queue.db, { ...options, clock: () => nowMs })
}

async function next(limit = 1): Promise<string[]> {
  return (await cursor.next(limit)).map(({ identifier }) => identifier)
}

/** Tracks identifiers that became due one minute after the other, the last one a minute ago. */
async function trackInOrder(...identifiers: string[]): Promise<void> {
  await queue.track(...identifiers)
  for (const [position, identifier] of identifiers.entries()) {
    await queue.set(identifier, `due_at = now() - ${identifiers.length - position} * interval '1 minute'`)
  }
}

/** Each makes `behind` due before `ahead`, after the cursor has claimed the rows that were due first. */
const APPEARANCES: readonly (readonly [string, () => Promise<unknown>])[] = [
  [
    'is inserted by a transaction that began earlier',
    async () => {
      await queue.track('behind')
      await queue.set('behind', "due_at = now() - interval '3.5 minutes'")
    },
  ],
  [
    'has a lease that expired',
    async () => {
      await trackBehind("lease_until = now() - interval '1 second', leased_by = gen_random_uuid()")
    },
  ],
  [
    'is released by another run',
    async () => {
      const other = await queue.newRun()
      await trackBehind('attempts = 0')
      const [claim] = await cursorOf(other).next(1)
      if (claim?.identifier !== 'behind') throw new Error('the other run claimed something else')
      await releaseClaims(queue.db, other, [{ claim }])
    },
  ],
  [
    'gets a refresh request while it is due',
    async () => {
      await trackBehind("state = 'done', finished_at = now(), last_requested_at = now(), priority = -10")
      await sql`select identifai.request_refresh('behind')`.execute(queue.db)
    },
  ],
  [
    'is made due by a full refresh',
    async () => {
      await trackBehind("state = 'done', finished_at = now()")
      await queue.set('behind', "due_at = now() - interval '1 hour'")
    },
  ],
]

async function trackBehind(columns: string): Promise<void> {
  await queue.track('behind')
  await queue.set('behind', `due_at = now() - interval '3.5 minutes', ${columns}`)
}

describe('the claims of a cursor', () => {
  it.each(APPEARANCES)('end with a row that %s', async (_, appear) => {
    await trackInOrder('first', 'second', 'ahead')
    expect([await next(), await next()]).toEqual([['first'], ['second']])
    await appear()
    const rest = [...(await next()), ...(await next())]
    expect(rest.toSorted()).toEqual(['ahead', 'behind'])
    expect(await next()).toEqual([])
  })

  it('end with a row that was locked when its turn came', async () => {
    await trackInOrder('first', 'behind', 'second', 'ahead')
    await queue.db.transaction().execute(async (trx) => {
      await sql`select from identifai.identifiers where identifier = 'behind' for update`.execute(trx)
      expect([await next(), await next()]).toEqual([['first'], ['second']])
    })
    expect([await next(), await next(), await next()]).toEqual([['ahead'], ['behind'], []])
  })

  it('end with a row before all places, also those of identifiers with a request limit', async () => {
    await trackInOrder('first', 'limited')
    await queue.set('limited', 'request_limit = 1')
    expect([await next(), await next()]).toEqual([['first'], ['limited']])
    await trackBehind('attempts = 0')
    expect([await next(), await next()]).toEqual([['behind'], []])
  })

  it('continue after the last one, and begin at the start again after a minute', async () => {
    await trackInOrder('first', 'second', 'third', 'fourth')
    expect([await next(), await next()]).toEqual([['first'], ['second']])
    await trackBehind('attempts = 0')
    nowMs = MINUTE_MS - 1
    expect(await next()).toEqual(['third'])
    nowMs = MINUTE_MS
    expect(await next()).toEqual(['behind'])
    expect(await next()).toEqual(['fourth'])
  })

  it('read higher priorities first each time, also at one in which nothing was due', async () => {
    await trackInOrder('low', 'lower')
    await queue.set('low', 'priority = -10')
    await queue.set('lower', 'priority = -10')
    expect(await next()).toEqual(['low'])
    await queue.track('new', 'urgent')
    await queue.set('urgent', 'priority = 10, due_at = clock_timestamp()')
    expect([await next(), await next(), await next()]).toEqual([['urgent'], ['new'], ['lower']])
  })

  it('have every row once, in one order, in claims of any size', async () => {
    await sql`
      insert into identifai.identifiers (identifier, priority, due_at)
      select 'id-' || n, (array[10, 7, 0, -10])[1 + n % 4], now() - (n % 13) * interval '1 second'
      from generate_series(1, 200) as n`.execute(queue.db)
    const claimed: string[] = []
    for (let size = 1; ; size = (size % 17) + 1) {
      const claims = await next(size)
      if (claims.length === 0) break
      claimed.push(...claims)
    }
    const { rows } = await sql<{ identifier: string }>`
      select identifier from identifai.identifiers order by priority desc, due_at, id`.execute(queue.db)
    expect(claimed).toEqual(rows.map(({ identifier }) => identifier))
  })

  it('leave identifiers with a request limit to the end, in their order', async () => {
    await trackInOrder('limited', 'free', 'limited too', 'free too')
    await queue.set('limited', 'request_limit = 5')
    await queue.set('limited too', 'request_limit = 1')
    const order = [await next(), await next(), await next(), await next(), await next()]
    expect(order).toEqual([['free'], ['free too'], ['limited'], ['limited too'], []])
  })

  it('claim a row that is due since forever', async () => {
    await queue.track('forever', 'also', 'later')
    await queue.set('forever', "due_at = '-infinity'")
    await queue.set('also', "due_at = '-infinity'")
    expect([await next(), await next(), await next(), await next()]).toEqual([
      ['forever'],
      ['also'],
      ['later'],
      [],
    ])
  })
})
