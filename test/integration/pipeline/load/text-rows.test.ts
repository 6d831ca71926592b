import { finished } from 'node:stream/promises'
import fc from 'fast-check'
import { from as copyFrom } from 'pg-copy-streams'
import { expect, it } from 'vitest'
import { type Cell, cellText, textRows } from '../../../../src/pipeline/load/text-rows.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

interface EveryType {
  readonly large: number
  readonly small: number | null
  readonly real: number | null
  readonly flag: boolean | null
  readonly words: string | null
  readonly list: readonly string[] | null
  readonly values: string | null
  readonly json: Buffer | null
}

const COLUMNS = ['large', 'small', 'real', 'flag', 'words', 'list', 'values', 'json']

const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })

/** One byte each in memory; in UTF-8 two from U+0080 on. */
const european = fc.constantFrom('A', '\u007F', '\u0080', 'é', 'ÿ')

/** Short and long, ASCII and other text. PostgreSQL accepts any well-formed text without U+0000. */
const words = fc
  .oneof(
    fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
    fc.string({ unit: european, maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).map((text) => text.repeat(1000)),
  )
  .map((text) => text.replaceAll('\0', ''))

const row: fc.Arbitrary<EveryType> = fc.record({
  large: fc.maxSafeInteger(),
  small: orNull(fc.integer()),
  real: orNull(fc.double({ noNaN: true, noDefaultInfinity: true })),
  flag: orNull(fc.boolean()),
  words: orNull(words),
  list: orNull(fc.array(words, { maxLength: 4 })),
  values: orNull(words.map((text) => JSON.stringify({ text }))),
  json: orNull(words.map((text) => Buffer.from(JSON.stringify({ text }, null, 1)))),
})

it('COPY stores every value exactly, and so does INSERT', async () => {
  await using database = await createTestDatabase()
  const client = await database.pool.connect()
  await client.query(
    `create temporary table copied
      (n serial, large int8, small int4, real float8, flag bool, words text, list text[], values jsonb, json json)`,
  )
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (rows) => {
      await client.query('truncate copied restart identity')
      const stream = client.query(copyFrom(`copy copied (${COLUMNS.join(', ')}) from stdin`))
      stream.end(textRows(COLUMNS, rows))
      await finished(stream)
      for (const one of rows as unknown as readonly Readonly<Record<string, Cell>>[]) {
        await client.query(
          `insert into copied (${COLUMNS.join(', ')}) values (${COLUMNS.map((_, n) => `$${n + 1}`).join(', ')})`,
          COLUMNS.map((name) => cellText(one[name] as Cell)),
        )
      }
      const copied = await client.query(
        'select large::text, small, real, flag, words, list, values::text, json::text from copied order by n',
      )
      expect(
        copied.rows.map(({ large, values, json, ...others }) => ({
          ...others,
          large: Number(large),
          values: values && JSON.stringify(JSON.parse(values)),
          json: json && Buffer.from(json),
        })),
      ).toEqual([...rows, ...rows])
    }),
    { numRuns: 60 },
  )
  client.release()
})
