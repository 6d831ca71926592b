import { type Kysely, sql } from 'kysely'
import { expect, it } from 'vitest'
import type { Database } from '../../../../src/platform/postgres/database.ts'
import { pagesByCursor, readByCursor } from '../../../../src/platform/postgres/read-by-cursor.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

/** A query of the numbers up to the last one. */
function numbersTo(last: number, trx: Kysely<Database>) {
  return {
    compile: () => sql<{ n: number }>`select n from generate_series(1, ${last}::int) as n`.compile(trx),
  }
}

it.each([
  [0, []],
  [1, [1]],
  [2, [2]],
  [3, [2, 1]],
  [4, [2, 2]],
  [5, [2, 2, 1]],
])('a cursor reads all of %i rows in pages of two', async (last, sizes) => {
  await using database = await createTestDatabase('empty')
  const pages = await database.db
    .transaction()
    .execute((trx) => Array.fromAsync(pagesByCursor(trx, numbersTo(last, trx), 2)))
  expect(pages.map(({ length }) => length)).toEqual(sizes)
  expect(pages.flat().map(({ n }) => n)).toEqual(Array.from({ length: last }, (_, position) => position + 1))
})

it('two cursors of one transaction can be read side by side', async () => {
  await using database = await createTestDatabase('empty')
  await database.db.transaction().execute(async (trx) => {
    const others = readByCursor(trx, numbersTo(5, trx), 2)
    const pairs: unknown[] = []
    for await (const { n } of readByCursor(trx, numbersTo(5, trx), 2)) {
      const { value } = await others.next()
      pairs.push([n, value?.n])
    }
    expect(pairs).toEqual([1, 2, 3, 4, 5].map((n) => [n, n]))
  })
})
