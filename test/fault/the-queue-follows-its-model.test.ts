import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { audioEndpoint } from '../../src/media/audio/endpoint.ts'
import type { DatabaseTime } from '../../src/platform/time.ts'
import { readClock, utcText } from '../../src/platform/postgres/clock.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import type { Claim } from '../../src/pipeline/queue/claim.ts'
import { claimDue, startOfClaims } from '../../src/pipeline/queue/claim.ts'
import { releaseClaims } from '../../src/pipeline/queue/lease.ts'
import { renewLeases } from '../../src/pipeline/queue/lease.ts'
import type { JsonObject } from '../../src/platform/json.ts'
import { requeue } from '../../src/pipeline/queue/requeue.ts'
import { argumentEntries } from '../../src/pipeline/queue/input/read-arguments.ts'
import { retire } from '../../src/pipeline/queue/retire.ts'
import { loadBatch } from '../../src/pipeline/load/load-batch.ts'
import { dueAfterFailureSeconds } from '../../src/platform/retry.ts'
import { outcomesOf } from '../../src/pipeline/run/rules/outcomes-of.ts'
import { openRun } from '../../src/pipeline/run/run-rows.ts'
import { responseRecords } from '../support/response-records.ts'
import { LEASE_SECONDS, QueueModel, type ModelResponse, type ModelClaim } from '../support/queue-model.ts'
import { moveTime } from '../support/move-time.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

/** The number that `npm run test:soak` sets, or a smaller one. */
const RUNS = Number(process.env.MODEL_RUNS ?? 40)
const POLICY = { missingAfter: 5, refreshHours: 12 }
const NAMES = ['a', 'b', 'c', 'd']

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

/** A claim in the database and in the model. */
interface Held {
  readonly claim: Claim
  readonly model: ModelClaim
  /** The database's clock at the claim, and the seconds that the test had moved time before it. */
  readonly claimedAt: DatabaseTime
  readonly moved: number
}

/** The real queue, one medium for each sequence of commands. */
interface Real {
  readonly db: Kysely<Database>
  readonly media: string
  /** The current run of each worker. */
  readonly runs: string[]
  /** Seconds by which the test has moved time in all. */
  moved: number
  /** Every claim so far, with those that expired long ago. */
  readonly held: Held[]
}

type Command = fc.AsyncCommand<QueueModel, Real, true>

/** A command that changes both in the same way, and then compares every row. */
function command(name: string, act: (model: QueueModel, real: Real) => Promise<void>): Command {
  return {
    check: async () => true,
    run: async (model, real) => {
      model.tick()
      await act(model, real)
      await expectSameRows(model, real)
    },
    toString: () => name,
  }
}

const advance = (seconds: number) =>
  command(`advance ${seconds} s`, async (model, real) => {
    model.now += seconds
    real.moved += seconds
    await moveTime(real.db, seconds)
  })

const insert = (identifier: string, priority: number) =>
  command(`insert ${identifier} with ${priority}`, async (model, { db, media }) => {
    model.insert(identifier, priority)
    const row = { media, identifier, priority }
    await db
      .insertInto('identifai.identifiers')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  })

const startRun = (worker: number) =>
  command(`worker ${worker} starts a run`, async (model, real) => {
    real.runs[worker] = await newRun(model, real.db)
  })

const claim = (worker: number, limit: number) =>
  command(`worker ${worker} claims ${limit}`, async (model, real) => {
    const runId = real.runs[worker] as string
    const expected = model.claim(runId, limit)
    const { media } = real
    const options = {
      media,
      places: await startOfClaims(real.db, { media, leastPriority: -100 }),
      deferredToo: true,
      runId,
      limit,
      leaseSeconds: LEASE_SECONDS,
    }
    const claims = await claimDue(real.db, options)
    const times = { claimedAt: await readClock(real.db), moved: real.moved }
    expect(claims.map(({ identifier }) => identifier).toSorted()).toEqual(
      expected.map(({ identifier }) => identifier).toSorted(),
    )
    for (const one of expected) {
      const same = claims.find(({ identifier }) => identifier === one.identifier) as Claim
      real.held.push({ claim: same, model: one, ...times })
    }
  })

const RECORDS: Record<ModelResponse, (identifier: string) => JsonObject[]> = {
  done: (identifier) => [{ identifier, status: 'done' }],
  new: (identifier) => [{ identifier, status: 'new' }],
  absent: () => [],
  broken: (identifier) => [{ identifier, status: 5 }],
}

const respond = (which: number, what: ModelResponse) =>
  command(`claim ${which} has the response ${what}`, async (model, real) => {
    const held = pick(real, which)
    if (!held) return
    const { claim: one, model: known } = held
    const { outcomes } = outcomesOf([one], responseRecords(RECORDS[what](one.identifier)), {
      endpoint: audioEndpoint,
      policy: POLICY,
    })
    const requestedAt = await earlier(real.db, held.claimedAt, real.moved - held.moved)
    const batch = {
      endpoint: { ...audioEndpoint, media: real.media },
      runId: known.run,
      requestedAt,
      receivedAt: requestedAt,
      outcomes,
    }
    const holds = model.holds(known)
    const result = await loadBatch(database.pool, batch)
    expect(result.written.length).toBe(holds ? 1 : 0)
    model.finish(known, what)
  })

const release = (which: number, failed: boolean) =>
  command(`claim ${which} is released${failed ? ' after a failed request' : ''}`, async (model, real) => {
    const held = pick(real, which)
    if (!held) return
    const failure = { message: 'failed', dueAfterSeconds: dueAfterFailureSeconds(held.claim.attempts + 1) }
    const claimedAt = await earlier(real.db, held.claim.claimedAt, real.moved - held.moved)
    const one = { ...held.claim, claimedAt }
    await releaseClaims(real.db, held.model.run, [{ claim: one, ...(failed && { failure }) }])
    model.release(held.model, failed)
  })

const renew = (worker: number) =>
  command(`worker ${worker} renews`, async (model, real) => {
    const runId = real.runs[worker] as string
    const mine = real.held.filter((held) => held.model.run === runId).map((held) => held.claim)
    await renewLeases(real.db, { runId, ids: mine.map(({ id }) => id), leaseSeconds: LEASE_SECONDS })
    model.renew(
      runId,
      mine.map(({ identifier }) => identifier),
    )
  })

const requestRefresh = (identifier: string, how: 'refresh' | 'requeue') =>
  command(`${how} ${identifier}`, async (model, { db, media }) => {
    if (how === 'refresh') await sql`select identifai.request_refresh(${identifier}, ${media})`.execute(db)
    else await requeue(db, argumentEntries([identifier]))
    model[how](identifier)
  })

const retireNow = (identifier: string) =>
  command(`retire ${identifier}`, async (model, { db }) => {
    await retire(db, argumentEntries([identifier]), { reason: 'test' })
    model.retire(identifier)
  })

async function newRun(model: QueueModel, db: Kysely<Database>): Promise<string> {
  const runId = randomUUID()
  await openRun(db, { runId, trigger: 'manual', host: 'h', pid: 1, version: '0' })
  model.runs.set(runId, model.tick())
  return runId
}

/** The claim at a position, counted from the last one. */
function pick({ held }: Real, which: number): Held | undefined {
  return held.length === 0 ? undefined : held.at(-1 - (which % held.length))
}

async function earlier(db: Kysely<Database>, time: DatabaseTime, seconds: number): Promise<DatabaseTime> {
  const past = utcText(sql`(${time}::timestamptz - make_interval(secs => ${seconds}))`)
  const { rows } = await sql<{ time: DatabaseTime }>`select ${past} as time`.execute(db)
  return rows[0]?.time ?? ''
}

async function expectSameRows(model: QueueModel, { db, media }: Real): Promise<void> {
  const rows = await db
    .selectFrom('identifai.identifiers')
    .select(['identifier', 'state', 'priority', 'attempts', 'absences', 'claim_no as claimNo'])
    .select([
      'leased_by as leasedBy',
      sql<number | null>`extract(epoch from due_at - clock_timestamp())::float8`.as('dueIn'),
      sql<number | null>`extract(epoch from lease_until - clock_timestamp())::float8`.as('leasedFor'),
    ])
    .where('media', '=', media)
    .orderBy('identifier')
    .execute()
  // Real time passes, too, while the commands run; all steps are of ten seconds and more.
  const near = (time: number | null) => (time === null ? null : expect.closeTo(time - model.now, -1))
  expect(rows).toEqual(
    [...model.rows.values()]
      .toSorted((a, b) => (a.identifier < b.identifier ? -1 : 1))
      .map(({ identifier, state, priority, attempts, absences, claimNo, lease, dueAt }) => ({
        identifier,
        state,
        priority,
        attempts,
        absences,
        claimNo,
        leasedBy: lease?.run ?? null,
        dueIn: near(dueAt),
        leasedFor: near(lease?.until ?? null),
      })),
  )
}

/** Commands in proportions that lead deep into the life of a few identifiers. */
function anyCommand() {
  const worker = fc.nat({ max: 2 })
  // Mostly a claim that holds, sometimes an expired one.
  const which = fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 2 }) }, fc.nat({ max: 50 }))
  const name = fc.constantFrom(...NAMES)
  const what = fc.constantFrom<ModelResponse>(
    'done',
    'done',
    'done',
    'new',
    'new',
    'absent',
    'absent',
    'absent',
    'broken',
  )
  const seconds = fc.constantFrom(10, 20, 60, 900, 7200, 43_200, 43_200, 2_592_000)
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc.tuple(name, fc.constantFrom(0, 0, -5, 7)).map(([id, priority]) => insert(id, priority)),
    },
    { weight: 4, arbitrary: seconds.map(advance) },
    { weight: 2, arbitrary: worker.map(startRun) },
    {
      weight: 8,
      arbitrary: fc.tuple(worker, fc.integer({ min: 1, max: 3 })).map(([who, n]) => claim(who, n)),
    },
    { weight: 12, arbitrary: fc.tuple(which, what).map(([n, how]) => respond(n, how)) },
    { weight: 2, arbitrary: fc.tuple(which, fc.boolean()).map(([n, failed]) => release(n, failed)) },
    { weight: 2, arbitrary: worker.map(renew) },
    { weight: 3, arbitrary: name.map((id) => requestRefresh(id, 'refresh')) },
    { weight: 2, arbitrary: name.map((id) => requestRefresh(id, 'requeue')) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(name, fc.nat({ max: 3 }))
        .map(([id, luck]) => (luck === 0 ? retireNow(id) : requestRefresh(id, 'refresh'))),
    },
  )
}

it('claims, leases, outcomes and due times follow the model after any commands in any order', async () => {
  const commands = fc.commands<QueueModel, Real, true>([anyCommand()], { maxCommands: 100, size: 'max' })
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const setup = async () => {
        const model = new QueueModel()
        // Each sequence of commands has a medium of its own.
        const media = `medium ${randomUUID()}`
        await database.db.insertInto('identifai.media').values({ media }).execute()
        const runs = []
        for (let count = 0; count < 3; count++) runs.push(await newRun(model, database.db))
        return { model, real: { db: database.db, media, runs, moved: 0, held: [] } }
      }
      await fc.asyncModelRun(setup, sequence)
    }),
    { numRuns: RUNS },
  )
})
