import { sql } from 'kysely'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { grantEnqueuer, grantReader } from '../../../../src/operations/roles/grants.ts'
import { connect } from '../../../../src/platform/postgres/connect.ts'
import { migrateUp } from '../../../../src/platform/postgres/migrate.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

const PRIVILEGE = '42501'

describe('a role with a grant', () => {
  let bench: TestApp
  const roles: string[] = []

  beforeAll(async () => {
    bench = await createTestApp({ world: { seed: 8 } })
    await bench.load({ count: 5, outcome: 'done' })
  })
  afterAll(async () => {
    for (const name of roles) {
      await sql`drop owned by ${sql.id(name)}`.execute(bench.app.db)
      await sql`drop role ${sql.id(name)}`.execute(bench.app.db)
    }
    await bench[Symbol.asyncDispose]()
  })

  /** Creates a role. `execute` runs a statement as that role, and returns the rows, or the SQLSTATE of the refusal. */
  async function role(purpose: string) {
    // Roles belong to the server, which other tests use at the same time.
    const name = `${purpose} of ${new URL(bench.database.url).pathname.slice(1)}`
    await sql`create role ${sql.id(name)} login password 'p'`.execute(bench.app.db)
    roles.push(name)
    const execute = async (statement: string): Promise<unknown> => {
      const url = new URL(bench.database.url)
      const client = new Client({
        host: url.hostname,
        port: Number(url.port),
        database: url.pathname.slice(1),
        user: name,
        password: 'p',
      })
      await client.connect()
      try {
        return (await client.query(statement)).rows
      } catch (error) {
        return (error as { code: string }).code
      } finally {
        await client.end()
      }
    }
    return { name, execute }
  }

  const relations = async (kind: 'r' | 'v') =>
    (
      await sql<{ name: string }>`
        select relnamespace::regnamespace || '.' || relname as name from pg_class
        where relnamespace in ('identifai'::regnamespace, 'identifai_reporting'::regnamespace) and relkind = ${kind}`.execute(
        bench.app.db,
      )
    ).rows.map(({ name }) => name)

  async function readable(execute: (statement: string) => Promise<unknown>): Promise<string[]> {
    const found = []
    for (const relation of [...(await relations('r')), ...(await relations('v'))]) {
      const result = await execute(`select * from ${relation} limit 1`)
      if (result !== PRIVILEGE) found.push(relation)
      expect(Array.isArray(result) || result === PRIVILEGE).toBe(true)
    }
    return found
  }

  const REFUSED = [
    'create table identifai.x (n int)',
    'create view identifai_reporting.x as select 1',
    'truncate identifai.identifiers',
    "update identifai.identifiers set source = 'x'",
    'delete from identifai.identifiers',
    "update identifai.classifications set name = 'x'",
    'delete from identifai.revision_payloads',
    'drop view identifai_reporting.clips',
    "update identifai_reporting.override_notes set author = 'x'",
    "insert into identifai.override_notes (file_hash, forced_to, author, reason) values ('h', 'human', 'a', 'r')",
  ]

  it('as a reader reads the reporting views, including those of later migrations, and nothing else', async () => {
    const { name, execute } = await role('reader')
    expect(await readable(execute)).toEqual([])
    await grantReader(bench.app.db, name, { withTables: false })
    await grantReader(bench.app.db, name, { withTables: false })
    expect(await readable(execute)).toEqual(await relations('v'))
    expect(await execute('select count(*)::int as n from identifai_reporting.classifications')).toEqual([
      { n: 5 },
    ])
    for (const statement of [
      ...REFUSED,
      "select identifai.request_refresh('x')",
      "insert into identifai.identifiers (identifier) values ('x')",
    ]) {
      expect(await execute(statement), statement).toBe(PRIVILEGE)
    }
    await sql`create view identifai_reporting.later as select 1 as one`.execute(bench.app.db)
    expect(await execute('select * from identifai_reporting.later')).toEqual([{ one: 1 }])
    await sql`drop view identifai_reporting.later`.execute(bench.app.db)
  })

  it('as a reader of the tables also reads the data tables, until it is granted the views only', async () => {
    const { name, execute } = await role('table reader')
    await grantReader(bench.app.db, name, { withTables: true })
    // This list is not derived from the code, so that a new table is readable only on purpose.
    const operational = [
      'api_quota',
      'api_size_limits',
      'chain_leaves',
      'identifiers',
      'media',
      'override_notes',
      'quarantined_payloads',
      'schema_drift',
      'schema_migrations',
      'schema_migrations_lock',
      'sync_runs',
    ].map((table) => `identifai.${table}`)
    const all = [...(await relations('r')), ...(await relations('v'))]
    expect((await readable(execute)).toSorted()).toEqual(
      all.filter((relation) => !operational.includes(relation)).toSorted(),
    )
    for (const statement of [...REFUSED, "select identifai.request_refresh('x')"]) {
      expect(await execute(statement), statement).toBe(PRIVILEGE)
    }
    await grantReader(bench.app.db, name, { withTables: false })
    expect(await readable(execute)).toEqual(await relations('v'))
    const schemaOf = sql<{ may: boolean }>`select has_schema_privilege(${name}, 'identifai', 'usage') as may`
    expect((await schemaOf.execute(bench.app.db)).rows).toEqual([{ may: false }])
    await grantEnqueuer(bench.app.db, name)
    await grantReader(bench.app.db, name, { withTables: false })
    expect((await schemaOf.execute(bench.app.db)).rows, 'an enqueuer needs the schema').toEqual([
      { may: true },
    ])
  })

  it('as a reader has settings for fast views in this database', async () => {
    const { name, execute } = await role('fast reader')
    const settings = `select current_setting('jit') as jit, current_setting('random_page_cost') as page_cost`
    expect(await execute(settings)).toEqual([{ jit: 'on', page_cost: '4' }])
    expect(await grantReader(bench.app.db, name, { withTables: false })).toEqual({
      statementsForAdministrator: [],
    })
    expect(await execute(settings)).toEqual([{ jit: 'off', page_cost: '1.1' }])
  })

  it('as a reader is granted the views by a role that may not change other roles, which gets the statements', async () => {
    const [reader, owner] = [await role('second reader'), await role('owner')]
    await using database = await createTestDatabase('empty')
    const url = new URL(database.url)
    const name = url.pathname.slice(1)
    await sql`grant create on database ${sql.id(name)} to ${sql.id(owner.name)}`.execute(database.db)
    url.username = encodeURIComponent(owner.name)
    url.password = 'p'
    const asOwner = connect({ connectionString: url.href, maxConnections: 1 })
    try {
      await migrateUp(asOwner.db)
      expect(await grantReader(asOwner.db, reader.name, { withTables: false })).toEqual({
        statementsForAdministrator: [
          `ALTER ROLE "${reader.name}" IN DATABASE ${name} SET jit = off`,
          `ALTER ROLE "${reader.name}" IN DATABASE ${name} SET random_page_cost = 1.1`,
        ],
      })
    } finally {
      await asOwner.db.destroy()
    }
    const { rows } = await sql<{ granted: boolean }>`
      select has_table_privilege(${reader.name}, 'identifai_reporting.classifications', 'SELECT') as granted`.execute(
      database.db,
    )
    expect(rows).toEqual([{ granted: true }])
  })

  it('as an enqueuer enqueues and refreshes identifiers with the documented statements, and nothing else', async () => {
    const { name, execute } = await role('enqueuer')
    await grantEnqueuer(bench.app.db, name)
    await grantEnqueuer(bench.app.db, name)
    const insert =
      "INSERT INTO identifai.identifiers (identifier, submitted_at, source) VALUES ('standard', now(), 'calls') ON CONFLICT DO NOTHING"
    expect(await execute(insert)).toEqual([])
    expect(await execute(insert)).toEqual([])
    expect(
      await execute("INSERT INTO identifai.identifiers (identifier) VALUES ('short') ON CONFLICT DO NOTHING"),
    ).toEqual([])
    expect(await execute("SELECT identifai.request_refresh('standard')")).toEqual([{ request_refresh: true }])
    expect(await execute("SELECT identifai.request_refresh('unknown')")).toEqual([{ request_refresh: false }])
    const { rows } = await sql`
      select identifier, state, source, refresh_requested_at is not null as is_refresh_requested from identifai.identifiers
      where identifier in ('standard', 'short') order by identifier`.execute(bench.app.db)
    expect(rows).toEqual([
      { identifier: 'short', state: 'pending', source: null, is_refresh_requested: false },
      { identifier: 'standard', state: 'pending', source: 'calls', is_refresh_requested: true },
    ])
    expect(await readable(execute)).toEqual([])
    for (const statement of [
      ...REFUSED,
      "insert into identifai.identifiers (identifier, state) values ('x', 'done')",
      "insert into identifai.identifiers (identifier, priority) values ('x', 100)",
      "insert into identifai.identifiers (identifier, enqueued_at) values ('x', '2020-01-01')",
      "insert into identifai.identifiers (identifier) values ('x') returning id",
      "insert into identifai.identifiers (identifier) values ('x') on conflict (identifier, media) do nothing",
    ]) {
      expect(await execute(statement), statement).toBe(PRIVILEGE)
    }
  })

  it('has to exist, and can have any name', async () => {
    await expect(grantReader(bench.app.db, 'unknown_role', { withTables: false })).rejects.toThrow(
      /^The database server has no role unknown_role\. .* CREATE ROLE unknown_role/,
    )
    await expect(grantEnqueuer(bench.app.db, 'public')).rejects.toThrow(
      /^The database server has no role public/,
    )
    const { name } = await role('a "quoted"; role')
    await grantReader(bench.app.db, name, { withTables: true })
  })
})
