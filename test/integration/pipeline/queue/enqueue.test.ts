import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { enqueue } from '../../../../src/pipeline/queue/enqueue.ts'
import type { Entry, InvalidEntry } from '../../../../src/pipeline/queue/input/entry.ts'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-entries.ts'
import { createTestDatabase, type TestDatabase } from '../../../support/test-database.ts'

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

describe('enqueue', () => {
  it('counts added, known (by state) and invalid identifiers', async () => {
    await enqueue(database.db, argumentEntries(['a', 'b', 'c']), options)
    await sql`update identifai.identifiers set state = 'done' where identifier in ('a', 'b')`.execute(
      database.db,
    )
    const result = await enqueue(database.db, argumentEntries(['a', 'b', 'c', 'd', '', 'd']), options)
    expect(result).toEqual({
      added: 1,
      known: 4,
      known_by_state: { done: 2, pending: 2 },
      invalid: 1,
      invalid_lines: [{ line: 5, reason: 'blank' }],
    })
  })

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

  it('does not change known identifiers', async () => {
    await enqueue(database.db, argumentEntries(['a']), options)
    await enqueue(database.db, argumentEntries(['a']), { ...options, priority: 9, source: 'other' })
    const row = await database.db
      .selectFrom('identifai.identifiers')
      .select(['priority', 'source'])
      .executeTakeFirst()
    expect(row).toEqual({ priority: -5, source: 'batch' })
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
