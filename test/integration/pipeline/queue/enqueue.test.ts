import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { enqueue } from '../../../../src/pipeline/queue/enqueue.ts'
import type { Entry, InvalidEntry } from '../../../../src/pipeline/queue/input/entry.ts'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'
import { waitsForLock } from '../../../support/waits.ts'

const options = { media: 'audio', priority: -5, source: 'batch' }

let database: TestDatabase
beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(() => database[Symbol.asyncDispose]())

async function count(): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) from identifai.identifiers`.execute(
    database.db,
  )
  return rows[0]?.count ?? Number.NaN
}

function entry(identifier: string, overrides: Partial<Entry> = {}): Entry {
  return { line: 1, identifier, submittedAt: null, source: null, ...overrides }
}

async function* stream(...entries: Entry[]): AsyncGenerator<Entry> {
  yield* entries
}

describe('enqueue', () => {
  it('counts added, known (by state) and invalid identifiers', async () => {
    await enqueue(database.db, argumentEntries(['a', 'b', 'c']), options)
    await sql`update identifai.identifiers set state = 'done' where identifier in ('a', 'b')`.execute(
      database.db,
    )
    const result = await enqueue(database.db, argumentEntries(['a', 'b', 'c', 'd', '', 'd']), options)
    expect(result).toEqual({
      added: 1,
      known: 3,
      known_by_state: { done: 2, pending: 1 },
      repeated: 1,
      updated: 0,
      invalid: 1,
      invalid_lines: [{ line: 5, reason: 'blank' }],
    })
  })

  it.each([' a', 'a ', '\ta', 'a\r', 'a\n', 'a\nb', 'a\u0007b', ' '])(
    'has no identifier that SQL could add, and no command could name: %j',
    async (identifier) => {
      const insert = sql`insert into identifai.identifiers (identifier) values (${identifier}) on conflict do nothing`
      await expect(insert.execute(database.db)).rejects.toMatchObject({
        code: '23514',
        constraint: 'identifiers_identifier_is_trimmed',
      })
      const [read] = await Array.fromAsync(argumentEntries([identifier]))
      expect(read).not.toMatchObject({ identifier })
    },
  )

  it.each(['a b', 'é€', '"a"', '# a', 'a,b;c'])(
    'has the identifier %s, from SQL and from a command',
    async (identifier) => {
      await sql`insert into identifai.identifiers (identifier) values (${identifier})`.execute(database.db)
      expect(await enqueue(database.db, argumentEntries([identifier]), options)).toMatchObject({
        added: 0,
        known: 1,
      })
    },
  )

  it('writes the priority, the time of submission, and the source of the entry before that of the call', async () => {
    const submittedAt = '2026-07-01T10:00:00Z'
    async function* entries(): AsyncGenerator<Entry | InvalidEntry> {
      yield entry('a', { submittedAt, source: 'own' })
      yield entry('b')
    }
    await enqueue(database.db, entries(), options)
    const rows = await database.db
      .selectFrom('identifai.identifiers')
      .select(['identifier', 'priority', 'submitted_at', 'source'])
      .orderBy('identifier')
      .execute()
    expect(rows).toEqual([
      { identifier: 'a', priority: -5, submitted_at: new Date(submittedAt), source: 'own' },
      { identifier: 'b', priority: -5, submitted_at: null, source: 'batch' },
    ])
  })

  describe('of known identifiers', () => {
    const [first, second] = ['2026-07-01T10:00:00.000Z', '2026-07-02T10:00:00.000Z']

    async function metadata() {
      return database.db
        .selectFrom('identifai.identifiers')
        .select(['identifier', 'submitted_at', 'source', 'priority'])
        .orderBy('identifier')
        .execute()
    }

    /** One identifier without metadata, one with both. */
    beforeEach(async () => {
      await enqueue(database.db, stream(entry('bare')), { ...options, source: null })
      await enqueue(database.db, stream(entry('full', { submittedAt: first, source: 'own' })), options)
    })

    const more = () =>
      stream(
        entry('bare', { submittedAt: second, line: 1 }),
        entry('full', { submittedAt: second, source: 'other', line: 2 }),
        entry('bare', { submittedAt: first, source: 'too late', line: 3 }),
      )

    it('fills in empty values, from the first of several lines', async () => {
      expect(await enqueue(database.db, more(), options)).toMatchObject({ known: 2, updated: 1 })
      expect(await metadata()).toEqual([
        { identifier: 'bare', submitted_at: new Date(second), source: 'batch', priority: -5 },
        { identifier: 'full', submitted_at: new Date(first), source: 'own', priority: -5 },
      ])
      expect(await enqueue(database.db, more(), options)).toMatchObject({ updated: 0 })
    })

    it('replaces what the input has, on request', async () => {
      const replacing = { ...options, update: true }
      expect(await enqueue(database.db, more(), replacing)).toMatchObject({ known: 2, updated: 2 })
      expect(await metadata()).toMatchObject([
        { identifier: 'bare', submitted_at: new Date(second), source: 'batch' },
        { identifier: 'full', submitted_at: new Date(second), source: 'other' },
      ])
      await enqueue(database.db, stream(entry('full')), { ...replacing, source: null })
      expect((await metadata())[1]).toMatchObject({ submitted_at: new Date(second), source: 'other' })
    })

    it('keeps a value that another transaction fills in meanwhile', async () => {
      const reader = Promise.withResolvers<void>()
      const filled = database.db.transaction().execute(async (trx) => {
        await sql`update identifai.identifiers set source = 'meanwhile' where identifier = 'bare'`.execute(
          trx,
        )
        await reader.promise
      })
      const enqueued = enqueue(database.db, more(), options)
      await waitsForLock(database.db)
      reader.resolve()
      await Promise.all([filled, enqueued])
      expect((await metadata())[0]).toMatchObject({ submitted_at: new Date(second), source: 'meanwhile' })
    })
  })

  it('determines the result, and writes nothing, in a dry run', async () => {
    await enqueue(database.db, stream(entry('known')), { ...options, source: null })
    const submittedAt = '2026-07-01T10:00:00Z'
    const given = () => stream(entry('new', { submittedAt }), entry('known'), entry('new'))
    const dry = await enqueue(database.db, given(), { ...options, dryRun: true })
    expect(dry.first).toEqual([
      { identifier: 'new', submitted_at: new Date(submittedAt), source: 'batch' },
      { identifier: 'known', submitted_at: null, source: 'batch' },
      { identifier: 'new', submitted_at: null, source: 'batch' },
    ])
    expect(await count()).toBe(1)
    const { first: _, ...result } = dry
    expect(result).toMatchObject({ added: 1, known: 1, repeated: 1, updated: 1 })
    expect(await enqueue(database.db, given(), options)).toEqual(result)
  })

  it('adds nothing when the input ends with an error', async () => {
    async function* breaking(): AsyncGenerator<Entry> {
      for (let line = 1; line <= 12_000; line++) yield entry(`id-${line}`)
      throw new Error('disk gone')
    }
    await expect(enqueue(database.db, breaking(), options)).rejects.toThrow('disk gone')
    expect(await count()).toBe(0)
  })

  it('takes any number of entries, in chunks, and names only the first invalid ones', async () => {
    async function* many(): AsyncGenerator<Entry | InvalidEntry> {
      for (let line = 1; line <= 25_000; line++) {
        yield line % 5 === 0 ? { line, reason: 'blank' } : entry(`id-${line}`)
      }
    }
    const result = await enqueue(database.db, many(), options)
    expect(result).toMatchObject({ added: 20_000, known: 0, invalid: 5000 })
    expect(result.invalid_lines).toHaveLength(100)
    expect(await count()).toBe(20_000)
  })

  it('adds each identifier once when two add the same ones at the same time, in opposite orders', async () => {
    const same = Array.from({ length: 20_000 }, (_, n) => `id-${n}`)
    const results = await Promise.all([
      enqueue(database.db, argumentEntries(same), options),
      enqueue(database.db, argumentEntries(same.toReversed()), options),
    ])
    expect(results.reduce((sum, { added }) => sum + added, 0)).toBe(20_000)
    expect(await count()).toBe(20_000)
  })
})
