import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { requeue } from '../../../../src/pipeline/queue/requeue.ts'
import { retire } from '../../../../src/pipeline/queue/retire.ts'
import { requestSameFileRefresh } from '../../../../src/pipeline/load/same-file.ts'
import { startCannedApi } from '../../../support/canned-api.ts'
import { createTestDatabase } from '../../../support/test-database.ts'
import { createTestApp } from '../../../support/test-app.ts'

async function rows(database: Awaited<ReturnType<typeof createTestDatabase>>) {
  const { rows: found } = await sql<{ identifier: string; due: boolean | null }>`
    select identifier, state, absences, priority, due_at <= now() as due, retired_reason
    from identifai.identifiers order by identifier`.execute(database.db)
  return found
}

async function seeded() {
  const database = await createTestDatabase()
  await sql`insert into identifai.identifiers (identifier, state, absences, due_at, retired_at, retired_reason) values
    ('done', 'done', 0, now() + interval '1 day', null, null),
    ('missing', 'missing', 5, now() + interval '30 days', null, null),
    ('quarantined', 'quarantined', 2, null, null, null),
    ('retired', 'retired', 0, null, now(), 'before')`.execute(database.db)
  return database
}

it('a wake-up leaves alone what was retired in the meantime', async () => {
  await using database = await seeded()
  const { rows: ids } = await sql<{ id: number }>`select id from identifai.identifiers`.execute(database.db)
  await requestSameFileRefresh(
    database.db,
    ids.map(({ id }) => id),
  )
  expect((await rows(database)).map(({ identifier, due }) => [identifier, due])).toEqual([
    ['done', true],
    ['missing', false],
    ['quarantined', null],
    ['retired', null],
  ])
})

describe('requeue', () => {
  it('makes those named due now, and leaves retired and unknown ones alone', async () => {
    await using database = await seeded()
    const due = await requeue(database.db, {
      identifiers: ['done', 'missing', 'quarantined', 'retired', 'x'],
    })
    expect(due.toSorted()).toEqual(['done', 'missing', 'quarantined'])
    expect(await rows(database)).toMatchObject([
      { identifier: 'done', state: 'done', due: true, priority: 10 },
      { identifier: 'missing', state: 'missing', due: true, absences: 5 },
      { identifier: 'quarantined', state: 'pending', due: true, absences: 0 },
      { identifier: 'retired', state: 'retired', due: null, retired_reason: 'before' },
    ])
  })

  it('takes all of one state', async () => {
    await using database = await seeded()
    expect(await requeue(database.db, { state: 'quarantined' })).toEqual(['quarantined'])
    expect(await requeue(database.db, { state: 'missing' })).toEqual(['missing'])
  })
})

describe('retire', () => {
  it('ends tracking, once, with its reason', async () => {
    await using database = await seeded()
    const options = { media: 'audio', identifiers: ['done', 'retired', 'x'], reason: 'deleted on request' }
    expect(await retire(database.db, options)).toEqual(['done'])
    expect(await rows(database)).toMatchObject([
      { identifier: 'done', state: 'retired', due: null, retired_reason: 'deleted on request' },
      { identifier: 'missing', state: 'missing' },
      { identifier: 'quarantined', state: 'quarantined' },
      { identifier: 'retired', retired_reason: 'before' },
    ])
  })

  it('is not undone by an answer that was under way', async () => {
    await using api = await startCannedApi((identifiers, response) => {
      void retire(bench.app.db, { identifiers: ['a'], reason: 'r' }).then(() =>
        response.end(JSON.stringify(identifiers.map((identifier) => ({ identifier, status: 'done' })))),
      )
      return undefined
    })
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(['a', 'b'])
    expect(await bench.run()).toMatchObject({
      status: 'partial',
      done: 1,
      released: 1,
      retired_count: 1,
    })
    const { rows: found } = await sql`select identifier, state from identifai.identifiers order by 1`.execute(
      bench.app.db,
    )
    expect(found).toEqual([
      { identifier: 'a', state: 'retired' },
      { identifier: 'b', state: 'done' },
    ])
  })
})

describe('the role of another application', () => {
  it('can do what the README grants it, and nothing else', async () => {
    await using database = await createTestDatabase()
    const role = `app_${Date.now()}`
    await sql.raw(`create role ${role}`).execute(database.db)
    try {
      await sql.raw(`grant usage on schema identifai to ${role}`).execute(database.db)
      await sql
        .raw(
          `grant insert (identifier, media, submitted_at, source, priority) on identifai.identifiers to ${role}`,
        )
        .execute(database.db)
      await sql.raw(`grant execute on function identifai.request_refresh to ${role}`).execute(database.db)
      const as = (statement: string) =>
        database.db.transaction().execute(async (trx) => {
          await sql.raw(`set local role ${role}`).execute(trx)
          return (await sql.raw<Record<string, unknown>>(statement).execute(trx)).rows
        })
      const insert = "insert into identifai.identifiers (identifier) values ('a') on conflict do nothing"
      await as(insert)
      await as(insert)
      expect(await as("select identifai.request_refresh('a') as woken")).toEqual([{ woken: true }])
      for (const refused of [
        'select from identifai.identifiers',
        "update identifai.identifiers set state = 'done'",
        "insert into identifai.identifiers (identifier, state) values ('b', 'done')",
        'select from identifai.classifications',
      ]) {
        await expect(as(refused)).rejects.toThrow('permission denied')
      }
    } finally {
      await sql.raw(`drop owned by ${role}`).execute(database.db)
      await sql.raw(`drop role ${role}`).execute(database.db)
    }
  })
})
