import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { connect } from '../../../../src/platform/postgres/connect.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

/** Settings of a database that others chose, and our own. */
const SETTINGS = [
  ['timezone', 'Asia/Tokyo', 'UTC'],
  ['datestyle', 'SQL, DMY', 'ISO, DMY'],
  ['intervalstyle', 'iso_8601', 'postgres'],
  ['bytea_output', 'escape', 'hex'],
  ['extra_float_digits', '-3', '1'],
  ['statement_timeout', '1min', '0'],
  ['lock_timeout', '1min', '0'],
  ['idle_in_transaction_session_timeout', '0', '5s'],
] as const

it('a transaction has our own settings, and not those of the database', async () => {
  await using database = await createTestDatabase('empty')
  for (const [name, value] of SETTINGS) await database.set(name, `'${value}'`)
  const { db } = connect({ connectionString: database.url, maxConnections: 1, silenceMs: 5000 })
  const { rows } = await sql<{ value: string }>`
    select current_setting(name) as value
    from unnest(${SETTINGS.map(([name]) => name)}::text[]) with ordinality as setting (name, position)
    order by position`.execute(db)
  await db.destroy()
  expect(rows.map(({ value }) => value)).toEqual(SETTINGS.map(([, , own]) => own))
})

it('a bigint is a number, or an error where a number would be another one', async () => {
  await using database = await createTestDatabase('empty')
  const read = (value: string) => sql`select ${sql.lit(value)}::bigint as value`.execute(database.db)
  expect((await read('9007199254740991')).rows).toEqual([{ value: 9007199254740991 }])
  await expect(read('9007199254740992')).rejects.toThrow(RangeError)
})
