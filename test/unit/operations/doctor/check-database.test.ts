import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from 'kysely'
import { expect, it } from 'vitest'
import { checkClocks, checkDatabase } from '../../../../src/operations/doctor/check-database.ts'
import type { Database } from '../../../../src/platform/postgres/database.ts'

it('a server that is older than PostgreSQL 15 is a failure, with the version to upgrade to', async () => {
  const statuses = ['14.24 (Debian 14.24-1)', '15.0', '18.4', '19beta3'].map(async (version) => {
    const results = await checkDatabase(respondWith({ version, encoding: 'UTF8', tls: null, role: 'job' }))
    return [version, results.map(({ status }) => status)]
  })
  expect(Object.fromEntries(await Promise.all(statuses))).toEqual({
    '14.24 (Debian 14.24-1)': ['ok', 'failed'],
    '15.0': ['ok'],
    '18.4': ['ok'],
    '19beta3': ['ok'],
  })
  const row = { version: '14.24', encoding: 'UTF8', tls: null, role: 'job' }
  expect(await checkDatabase(respondWith(row))).toContainEqual(
    expect.objectContaining({
      found: 'PostgreSQL 14.24 is older than 15.',
      remedy: 'Upgrade the server to 15 or later.',
    }),
  )
})

/** A database that returns one row for every query. */
function respondWith(row: object): Kysely<Database> {
  const driver = new DummyDriver()
  const connection = { executeQuery: () => Promise.resolve({ rows: [row] }) }
  return new Kysely({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => Object.assign(driver, { acquireConnection: () => Promise.resolve(connection) }),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
}

it('compares the clocks of the machine and the API with the one of the database', () => {
  const database = new Date('2026-01-01T00:00:00Z')
  const after = (seconds: number) => new Date(+database + seconds * 1000)
  expect(checkClocks({ database, machine: after(1), api: null })).toMatchObject({
    status: 'ok',
    found: 'Compared with the clock of the database, the clock of this machine is 1.0 s ahead.',
  })
  expect(checkClocks({ database, machine: after(0), api: after(-60) })).toMatchObject({
    status: 'warning',
    found: expect.stringContaining('the clock of the API is 60.0 s behind'),
  })
})
