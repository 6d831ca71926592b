import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Claim } from '../../../../src/pipeline/queue/claim.ts'
import { claimDue } from '../../../../src/pipeline/queue/claim.ts'
import { releaseClaims } from '../../../../src/pipeline/queue/lease.ts'
import { renewLeases } from '../../../../src/pipeline/queue/lease.ts'
import { loadBatch } from '../../../../src/pipeline/load/load-batch.ts'
import { audioEndpoint } from '../../../../src/media/audio/endpoint.ts'
import { RunClosedError } from '../../../../src/platform/errors.ts'
import { readClock } from '../../../../src/platform/postgres/clock.ts'
import { outcomesOf } from '../../../../src/pipeline/run/rules/outcomes-of.ts'
import { closeRun, closeStaleRuns, openRun } from '../../../../src/pipeline/run/run-rows.ts'
import { responseRecords } from '../../../support/response-records.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'

let database: TestDatabase
let run: string

beforeEach(async () => {
  database = await createTestDatabase()
  run = await newRun()
})
afterEach(() => database[Symbol.asyncDispose]())

async function newRun(): Promise<string> {
  const runId = randomUUID()
  await openRun(database.db, { runId, trigger: 'manual', host: 'h', pid: 1, version: '0' })
  return runId
}

async function track(...identifiers: string[]) {
  for (const identifier of identifiers) {
    await sql`insert into identifai.identifiers (identifier) values (${identifier})`.execute(database.db)
  }
}

function claim(runId = run, options = {}): Promise<Claim[]> {
  return claimDue(database.db, {
    media: 'audio',
    leastPriority: -100,
    limitedToo: true,
    runId,
    limit: 100,
    leaseSeconds: 60,
    ...options,
  })
}

async function ledger(identifier: string) {
  return database.db
    .selectFrom('identifai.identifiers')
    .selectAll()
    .select([
      sql<boolean>`due_at <= now()`.as('due'),
      sql<number>`round(extract(epoch from due_at - last_requested_at))::int`.as('dueAfterSeconds'),
    ])
    .where('identifier', '=', identifier)
    .executeTakeFirstOrThrow()
}

async function set(identifier: string, columns: string) {
  await sql`update identifai.identifiers set ${sql.raw(columns)} where identifier = ${identifier}`.execute(
    database.db,
  )
}

async function load(claims: readonly Claim[], runId = run, requestedAt?: string) {
  const policy = { missingAfter: 5, refreshHours: 12 }
  const records = claims.map(({ identifier }) => ({ identifier, status: 'done' }))
  const { outcomes } = outcomesOf(claims, responseRecords(records), { endpoint: audioEndpoint, policy })
  const now = await readClock(database.db)
  return loadBatch(database.pool, {
    endpoint: audioEndpoint,
    runId,
    requestedAt: requestedAt ?? now,
    receivedAt: now,
    outcomes,
  })
}

async function revisions() {
  return (await sql`select from identifai.classification_revisions`.execute(database.db)).rows.length
}

describe('claiming', () => {
  it('takes what is due, highest priority and longest due first', async () => {
    await track('swept', 'later', 'early', 'late', 'urgent', 'retired')
    await set('swept', "priority = -10, due_at = now() - interval '9 days'")
    await set('later', "priority = 5, due_at = now() + interval '1 minute'")
    await set('early', "due_at = now() - interval '2 minutes'")
    await set('late', "due_at = now() - interval '1 minute'")
    await set('urgent', 'priority = 10')
    await set('retired', "state = 'retired', retired_at = now(), retired_reason = 'test', due_at = null")
    const order = []
    for (
      let claims = await claim(run, { limit: 1 });
      claims.length > 0;
      claims = await claim(run, { limit: 1 })
    ) {
      order.push(...claims.map(({ identifier }) => identifier))
    }
    expect(order).toEqual(['urgent', 'early', 'late', 'swept'])
  })

  it('never takes more than the limit, over all priorities', async () => {
    await track('a', 'b', 'c', 'd')
    await set('a', 'priority = 10')
    await set('b', 'priority = -10')
    expect(await claim(run, { limit: 3 })).toHaveLength(3)
    expect(await claim(run, { limit: 3 })).toHaveLength(1)
  })

  it('gives a row to one of many that claim at once', async () => {
    await track(...Array.from({ length: 60 }, (_, n) => `id-${n}`))
    const claimed = (await Promise.all(Array.from({ length: 6 }, () => claim(run, { limit: 10 })))).flat()
    expect(new Set(claimed.map(({ id }) => id)).size).toBe(claimed.length)
    const rest = await claim()
    expect(claimed.length + rest.length).toBe(60)
  })

  it('passes over a row that somebody has locked, without waiting for it', async () => {
    await track('locked', 'free')
    await database.db.transaction().execute(async (trx) => {
      await sql`select from identifai.identifiers where identifier = 'locked' for update`.execute(trx)
      expect((await claim()).map(({ identifier }) => identifier)).toEqual(['free'])
    })
    expect((await claim()).map(({ identifier }) => identifier)).toEqual(['locked'])
  }, 10_000)

  it('leaves leased rows alone until the lease runs out', async () => {
    await track('a')
    const [first] = await claim()
    expect(await claim(await newRun())).toEqual([])
    await set('a', "lease_until = now() - interval '1 second'")
    const [second] = await claim(await newRun())
    expect(second?.claimNo).toBe((first?.claimNo ?? 0) + 1)
  })

  it('asks for a finished one at most once a pass, unless it was woken after its request left', async () => {
    await track('a')
    await load(await claim())
    await set('a', 'due_at = now()')
    expect(await claim()).toEqual([])
    expect(await claim(await newRun())).toHaveLength(1)
    await sql`update identifai.identifiers set lease_until = null, leased_by = null`.execute(database.db)
    await sql`select identifai.request_refresh('a')`.execute(database.db)
    expect(await claim()).toHaveLength(1)
  })

  it('keeps other media apart', async () => {
    // The migration of another medium does the same.
    await sql`insert into identifai.media (media) values ('image')`.execute(database.db)
    await sql`insert into identifai.identifiers (media, identifier) values ('image', 'a'), ('audio', 'a')`.execute(
      database.db,
    )
    expect(await claim()).toHaveLength(1)
    expect(await claim(run, { media: 'image' })).toHaveLength(1)
  })
})

describe('writing', () => {
  it('settles the row and ends its lease', async () => {
    await track('a')
    await load(await claim())
    expect(await ledger('a')).toMatchObject({
      state: 'done',
      priority: -10,
      lease_until: null,
      leased_by: null,
      dueAfterSeconds: 12 * 3600,
      attempts: 0,
    })
  })

  it('forgets the asks that were lost before', async () => {
    await track('a')
    await set('a', 'attempts = 3')
    await load(await claim())
    expect(await ledger('a')).toMatchObject({ attempts: 0 })
  })

  it('is refused for a claim that somebody else has taken over', async () => {
    await track('a', 'b')
    const stale = await claim()
    await set('a', "lease_until = now() - interval '1 second'")
    const other = await newRun()
    await claim(other)
    const result = await load(stale)
    expect(result.expired.map((outcome) => outcome.claim.identifier)).toEqual(['a'])
    expect(result.written.map((outcome) => outcome.claim.identifier)).toEqual(['b'])
    expect(await revisions()).toBe(1)
    expect(await ledger('a')).toMatchObject({ state: 'pending', leased_by: other })
  })

  it('is refused for a lease that has run out, even when nobody took over', async () => {
    await track('a')
    const claims = await claim()
    await set('a', "lease_until = now() - interval '1 second'")
    expect((await load(claims)).expired).toHaveLength(1)
    expect(await revisions()).toBe(0)
  })

  it('is refused for a claim of the same run that is not the latest', async () => {
    await track('a')
    const first = await claim()
    await set('a', "lease_until = now() - interval '1 second'")
    await claim()
    expect((await load(first)).expired).toHaveLength(1)
    expect(await revisions()).toBe(0)
  })

  it('is refused once the run is closed', async () => {
    await track('a')
    const claims = await claim()
    await closeRun(database.db, run, { status: 'interrupted', error: null })
    await expect(load(claims)).rejects.toThrow(RunClosedError)
    expect(await revisions()).toBe(0)
  })

  it('does not lose a wake-up that came while the row was leased', async () => {
    await track('a')
    const requestedAt = await readClock(database.db)
    const claims = await claim()
    await sql`select identifai.request_refresh('a')`.execute(database.db)
    await load(claims, run, requestedAt)
    expect(await ledger('a')).toMatchObject({ state: 'done', due: true, priority: 10 })
  })

  it('forgets a wake-up that the answer already answers', async () => {
    await track('a')
    await sql`select identifai.request_refresh('a')`.execute(database.db)
    await load(await claim())
    expect(await ledger('a')).toMatchObject({ due: false, priority: -10 })
  })
})

describe('giving back', () => {
  it('leaves the row as it was, or counts the lost ask', async () => {
    await track('a', 'b')
    const claims = await claim()
    const [a, b] = ['a', 'b'].map((name) => claims.find(({ identifier }) => identifier === name)) as [
      Claim,
      Claim,
    ]
    await releaseClaims(database.db, run, [
      { claim: a },
      { claim: b, failure: { message: 'reset', dueAfterSeconds: 60 } },
    ])
    expect(await ledger('a')).toMatchObject({
      state: 'pending',
      attempts: 0,
      last_error: null,
      due: true,
      leased_by: null,
    })
    expect(await ledger('b')).toMatchObject({
      state: 'pending',
      attempts: 1,
      last_error: 'reset',
      due: false,
      leased_by: null,
    })
  })

  it('touches no newer claim of the same run', async () => {
    await track('a')
    const claims = await claim()
    await set('a', "lease_until = now() - interval '1 second'")
    await claim()
    await releaseClaims(
      database.db,
      run,
      claims.map((old) => ({ claim: old })),
    )
    expect(await ledger('a')).toMatchObject({ leased_by: run })
  })

  it('touches nothing that is not ours any more', async () => {
    await track('a')
    const claims = await claim()
    await set('a', "lease_until = now() - interval '1 second'")
    const other = await newRun()
    await claim(other)
    await releaseClaims(
      database.db,
      run,
      claims.map((mine) => ({ claim: mine, failure: { message: 'x', dueAfterSeconds: 1 } })),
    )
    expect(await ledger('a')).toMatchObject({ leased_by: other, attempts: 0 })
  })
})

describe('staying alive', () => {
  it('extends the leases of a run, and no others', async () => {
    await track('a', 'b')
    const claims = await claim()
    await set('b', `leased_by = '${randomUUID()}'`)
    await sql`update identifai.identifiers set lease_until = now() + interval '1 second'`.execute(database.db)
    await renewLeases(database.db, { runId: run, ids: claims.map(({ id }) => id), leaseSeconds: 600 })
    const { rows } = await sql<{ identifier: string; extended: boolean }>`
      select identifier, lease_until > now() + interval '5 minutes' as extended from identifai.identifiers
      order by identifier`.execute(database.db)
    expect(rows).toEqual([
      { identifier: 'a', extended: true },
      { identifier: 'b', extended: false },
    ])
  })

  it('leaves a run alone that is being sealed, however long that takes, and does not wait for it', async () => {
    await sql`update identifai.sync_runs set heartbeat_at = now() - interval '2 minutes'`.execute(database.db)
    await database.db.transaction().execute(async (sealing) => {
      await sql`select from identifai.sync_runs where run_id = ${run} for update`.execute(sealing)
      expect(await closeStaleRuns(database.db, 60)).toEqual([])
    })
    expect(await closeStaleRuns(database.db, 60)).toEqual([run])
  })

  it('closes runs whose heartbeat is older than a lease as interrupted', async () => {
    await sql`update identifai.sync_runs set heartbeat_at = now() - interval '2 minutes'`.execute(database.db)
    const alive = await newRun()
    await track('a')
    const longer = await newRun()
    await claim(longer, { leaseSeconds: 600 })
    await sql`update identifai.sync_runs set heartbeat_at = now() - interval '2 minutes' where run_id = ${longer}`.execute(
      database.db,
    )
    expect(await closeStaleRuns(database.db, 60)).toHaveLength(1)
    const rows = await database.db.selectFrom('identifai.sync_runs').select(['run_id', 'status']).execute()
    expect(Object.fromEntries(rows.map((row) => [row.run_id, row.status]))).toEqual({
      [run]: 'interrupted',
      [alive]: 'running',
      // Its lease is longer than ours, and holds.
      [longer]: 'running',
    })
  })
})
