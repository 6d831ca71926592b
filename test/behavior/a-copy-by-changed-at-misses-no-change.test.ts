import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import type { PoolClient } from 'pg'
import { expect, it } from 'vitest'
import { redact } from '../../src/compliance/history/redact.ts'
import { applyReplay } from '../../src/pipeline/replay/replay.ts'
import { enqueue } from '../../src/pipeline/queue/enqueue.ts'
import { argumentEntries } from '../../src/pipeline/queue/input/read-arguments.ts'
import { requeue, requeueState } from '../../src/pipeline/queue/requeue.ts'
import { retire } from '../../src/pipeline/queue/retire.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import { startCannedApi } from '../support/canned-api.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { createTestDatabase } from '../support/test-database.ts'
import { waitsForLock } from '../support/waits.ts'

/** Views with changed_at, and their keys. */
const VIEWS = {
  classifications: 'classification_id',
  verdicts: 'classification_id, heuristic',
  verdict_models: 'classification_id, heuristic, scope, clip_no, model_no',
  file_model_results: 'classification_id, result_no',
  clip_model_results: 'classification_id, result_no',
  clips: 'classification_id, clip_no',
  artificial_spans: 'classification_id, span_start',
  classification_history: 'classification_id, revision_no',
} as const

/** A copy of the views, as an incremental model keeps it: it replaces the classifications that changed later. */
function createCopy({ app: { db } }: Pick<TestApp, 'app'>) {
  const copies = new Map(Object.keys(VIEWS).map((view) => [view, new Map<number, string[]>()]))
  let latest = '-infinity'
  return {
    copies,
    async update(): Promise<void> {
      const { rows: changed } = await sql<{ id: number; time: string }>`
        select classification_id as id, changed_at::text as time from identifai_reporting.classifications
        where changed_at > ${latest}::timestamptz order by changed_at`.execute(db)
      latest = changed.at(-1)?.time ?? latest
      const ids = changed.map(({ id }) => id)
      for (const [view, copy] of copies) {
        for (const id of ids) copy.delete(id)
        for (const [id, own] of await readView(db, view as keyof typeof VIEWS, ids)) copy.set(id, own)
      }
    },
  }
}

/** Reads the rows of each classification in a view, or in those with these ids. */
async function readView(
  db: Kysely<Database>,
  view: keyof typeof VIEWS,
  ids: readonly number[] | null = null,
) {
  const { rows } = await sql<{ id: number; text: string }>`
    select classification_id as id, (to_jsonb(v) - 'last_confirmed_at')::text as text
    from (select * from identifai_reporting.${sql.raw(view)}) as v
    where ${ids}::bigint[] is null or classification_id = any(${ids}::bigint[])
    order by ${sql.raw(VIEWS[view])}`.execute(db)
  const byId = Map.groupBy(rows, ({ id }) => id)
  return new Map([...byId].map(([id, own]) => [id, own.map(({ text }) => text)]))
}

async function readViews({ app: { db } }: Pick<TestApp, 'app'>) {
  const views = new Map<string, Map<number, string[]>>()
  for (const view of Object.keys(VIEWS) as (keyof typeof VIEWS)[]) views.set(view, await readView(db, view))
  return views
}

it('a copy that is updated during concurrent runs has every row of every view', async () => {
  await using bench = await createTestApp({ world: { seed: 77, requestsUntilDone: 1 } })
  const { world } = bench.simulator
  const identifiers = world.register({ count: 900 })
  await bench.enqueue(identifiers)
  const copy = createCopy(bench)
  const controller = new AbortController()
  const { signal } = controller
  const done = { updates: 0 }
  const changing = (async () => {
    for (let round = 0; round < 4 || done.updates <= 4; round += 1) {
      for (const identifier of identifiers.slice(round * 60, round * 60 + 40)) {
        world.override(world.hashOf(identifier) as string, round % 2 === 0 ? 'human' : 'artificial')
      }
      await bench.makeAllDue()
      await Promise.all([bench.run(), bench.run()])
    }
  })().finally(() => controller.abort())
  for (; !signal.aborted; done.updates += 1) {
    await copy.update()
    await sleep(1)
  }
  await changing
  await copy.update()
  expect(copy.copies).toEqual(await readViews(bench))
  expect(copy.copies.get('clips')?.size).toBeGreaterThan(0)
})

it('a copy that is updated between two overlapping loads gets both', async () => {
  const held = Promise.withResolvers<unknown>()
  const sessions: PoolClient[] = []
  await using api = await startCannedApi((requested, response) => {
    const text = JSON.stringify(requested.map((identifier) => ({ identifier, status: 'done' })))
    if (!requested.includes('slow')) return text
    // The load of this response begins when the lock is held, and cannot end before.
    const locking = sessions[0]?.query(HOLD_SLOW).then(() => response.end(text))
    held.resolve(locking)
    return undefined
  })
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  const { app } = bench
  const holder = await bench.database.pool.connect()
  sessions.push(holder)
  try {
    await bench.enqueue(['slow'])
    const slow = bench.run()
    await held.promise
    await waitsForLock(app.db)
    await bench.enqueue(['fast'])
    await bench.run()
    const copy = createCopy({ app })
    await copy.update()
    expect(copy.copies.get('classifications')?.size).toBe(1)
    await holder.query('commit')
    await slow
    await copy.update()
    expect(copy.copies).toEqual(await readViews({ app }))
    expect(copy.copies.get('classifications')?.size).toBe(2)
  } finally {
    holder.release(true)
  }
})

const HOLD_SLOW = "begin; select from identifai.identifiers where identifier = 'slow' for update"

it('a copy loses the rows of a classification that has none any more', async () => {
  const clips = [{ verdict: { classification: 'artificial' }, start: 0, end: 1 }]
  let record: object = { status: 'done', details: { clips } }
  await using api = await startCannedApi((requested) =>
    requested.map((identifier) => ({ identifier, ...record })),
  )
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue(['a'])
  await bench.run()
  const copy = createCopy(bench)
  await copy.update()
  expect(copy.copies.get('clips')?.size).toBe(1)
  record = { status: 'errored' }
  await bench.makeAllDue()
  await bench.run()
  await copy.update()
  expect(copy.copies.get('clips')?.size).toBe(0)
  expect(copy.copies).toEqual(await readViews(bench))
})

it('the later commit has the later time, although its transaction began first', async () => {
  await using own = await createTestDatabase()
  const [first, second] = [await own.pool.connect(), await own.pool.connect()]
  const takeTime = async (client: typeof first) =>
    (await client.query<{ time: string }>('select identifai.next_change()::text as time')).rows[0]?.time ?? ''
  try {
    await first.query('begin; select now()')
    await second.query('begin')
    const earlier = await takeTime(second)
    const later = takeTime(first)
    await waitsForLock(own.db)
    await second.query('commit')
    expect((await later) > earlier).toBe(true)
    await first.query('commit')
    await sql`update identifai.change_clock set changed_at = now() + interval '1 day'`.execute(own.db)
    const { rows: after } = await sql<{ isLater: boolean }>`
      select identifai.next_change() > now() + interval '23 hours' as "isLater"`.execute(own.db)
    expect(after).toEqual([{ isLater: true }])
  } finally {
    for (const client of [first, second]) client.release(true)
  }
})

it('each change of a row in a view changes its time, and a refresh without a change does not', async () => {
  const done = { status: 'done', verdict: { classification: 'human', confidence: 0.8 } }
  const forced = { ...done, force_classification: 'artificial' }
  const records = new Map<string, object>([
    ['a', done],
    ['other', done],
  ])
  await using api = await startCannedApi((requested) =>
    requested.flatMap((identifier) => {
      const record = records.get(identifier)
      return record ? [{ identifier, hash: identifier, ...record }] : []
    }),
  )
  await using bench = await createTestApp({
    environment: { IDENTIFAI_API_URL: api.url, SYNC_MISSING_AFTER: '1' },
  })
  const { app } = bench
  await bench.enqueue(['a', 'other'])
  await bench.run()
  const list = () => argumentEntries(['a'])
  const refresh = async () => {
    await bench.makeAllDue()
    await bench.run()
  }
  const returns = (record: object | null) => async () => {
    if (record === null) records.delete('a')
    else records.set('a', record)
    await refresh()
  }
  const changes: Readonly<Record<string, () => Promise<unknown>>> = {
    'another content': returns(forced),
    'another link': returns({ ...forced, result_url: 'https://dashboard.example/1' }),
    'an analysis that runs again': returns({ status: 'new' }),
    'a record that does not fit the contract': returns({ status: 'done', verdict: 1 }),
    'the end of the quarantine': () => requeueState(app.db, 'quarantined'),
    'a result after it': returns(done),
    'a disappearance': returns(null),
    'a reappearance': returns(done),
    'another source': () => enqueue(app.db, list(), { media: 'audio', priority: 0, source: 'calls' }),
    'a replay that corrects a row': async () => {
      await sql`update identifai.classifications set api_version = 'altered' where identifier = 'a'`.execute(
        app.db,
      )
      await applyReplay(app, { since: null, signal: new AbortController().signal })
    },
    'the end of tracking': () => retire(app.db, list(), { reason: 'test' }),
    'tracking again': () => requeue(app.db, list(), { retired: { author: 'A', reason: 'test' } }),
    'the end of tracking, again': () => retire(app.db, list(), { reason: 'test' }),
    'a removal of personal values': () =>
      redact(app.db, 'a', { media: 'audio', reason: 'test', author: null, isDryRun: false }),
  }
  for (const [name, change] of Object.entries(changes)) {
    const before = await readTimes(bench)
    await change()
    const after = await readTimes(bench)
    expect((after.a as string) > (before.a as string), name).toBe(true)
    // These two make it pending, so that its next record is a change.
    if (name === 'the end of the quarantine' || name === 'tracking again') continue
    await refresh()
    expect(await readTimes(bench), `a refresh after ${name}`).toEqual({ ...after, other: before.other })
  }
})

async function readTimes({ app }: TestApp): Promise<Record<string, string>> {
  const { rows } = await sql<{ identifier: string; time: string }>`
    select identifier, changed_at::text as time from identifai_reporting.classifications`.execute(app.db)
  return Object.fromEntries(rows.map(({ identifier, time }) => [identifier, time]))
}

it('a command locks all its identifiers before the clock of changes, so that it does not block a load that it waits for', async () => {
  await using bench = await createTestApp()
  const identifiers = await bench.load({ count: 3 })
  const name = new URL(bench.database.url).pathname.slice(1)
  // Such a plan updates each row before it reads the next one.
  for (const plan of ['enable_hashjoin', 'enable_mergejoin', 'enable_material']) {
    await sql`alter database ${sql.id(name)} set ${sql.raw(plan)} = off`.execute(bench.app.db)
  }
  const { db } = connect({ connectionString: bench.database.url, maxConnections: 1 })
  const load = await bench.database.pool.connect()
  try {
    await load.query('begin')
    await load.query(HOLD_LAST)
    const retired = retire(db, argumentEntries(identifiers), { reason: 'test' })
    await waitsForLock(bench.app.db)
    await load.query('select identifai.next_change()')
    await load.query('commit')
    expect(await retired).toMatchObject({ changed: 3 })
  } finally {
    load.release(true)
    await db.destroy()
  }
})

const HOLD_LAST =
  'select from identifai.identifiers where id = (select max(id) from identifai.identifiers) for update'
