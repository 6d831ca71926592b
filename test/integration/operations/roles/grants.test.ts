import { sql } from 'kysely'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { grantEnqueuer } from '../../src/operations/roles/grant-enqueuer.ts'
import { grantReader } from '../../src/operations/roles/grant-reader.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const PRIVILEGE = '42501'

describe('a role that was granted', () => {
  let bench: TestApp
  const roles: string[] = []

  beforeAll(async () => {
    bench = await createTestApp({ world: { seed: 8 } })
    await bench.enqueue(bench.simulator.world.register({ count: 5, result: 'done' }))
    await bench.run()
  })
  afterAll(async () => {
    for (const name of roles) {
      await sql`drop owned by ${sql.id(name)}`.execute(bench.app.db)
      await sql`drop role ${sql.id(name)}`.execute(bench.app.db)
    }
    await bench[Symbol.asyncDispose]()
  })

  /** A role of its own, and what happens when it says something: the rows, or the SQLSTATE that it is refused with. */
  async function role(purpose: string) {
    // Roles are the server's, and other tests use it, too.
    const name = `${purpose} of ${new URL(bench.database.url).pathname.slice(1)}`
    await sql`create role ${sql.id(name)} login password 'p'`.execute(bench.app.db)
    roles.push(name)
    const says = async (statement: string): Promise<unknown> => {
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
    return { name, says }
  }

  const relations = async (kind: 'r' | 'v') =>
    (
      await sql<{ name: string }>`
        select relnamespace::regnamespace || '.' || relname as name from pg_class
        where relnamespace in ('identifai'::regnamespace, 'identifai_reporting'::regnamespace) and relkind = ${kind}`.execute(
        bench.app.db,
      )
    ).rows.map(({ name }) => name)

  async function readable(says: (statement: string) => Promise<unknown>): Promise<string[]> {
    const found = []
    for (const relation of [...(await relations('r')), ...(await relations('v'))]) {
      const answer = await says(`select * from ${relation} limit 1`)
      if (answer !== PRIVILEGE) found.push(relation)
      expect(Array.isArray(answer) || answer === PRIVILEGE).toBe(true)
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

  it('as a reader reads the reporting views, those of later migrations too, and nothing else', async () => {
    const { name, says } = await role('reader')
    expect(await readable(says)).toEqual([])
    await grantReader(bench.app.db, name, { withTables: false })
    await grantReader(bench.app.db, name, { withTables: false })
    expect(await readable(says)).toEqual(await relations('v'))
    expect(await says('select count(*)::int as n from identifai_reporting.classifications')).toEqual([
      { n: 5 },
    ])
    for (const statement of [
      ...REFUSED,
      "select identifai.request_refresh('x')",
      "insert into identifai.identifiers (identifier) values ('x')",
    ]) {
      expect(await says(statement), statement).toBe(PRIVILEGE)
    }
    await sql`create view identifai_reporting.later as select 1 as one`.execute(bench.app.db)
    expect(await says('select * from identifai_reporting.later')).toEqual([{ one: 1 }])
    await sql`drop view identifai_reporting.later`.execute(bench.app.db)
  })

  it('as a reader of the tables reads the data tables, too, until it is granted without', async () => {
    const { name, says } = await role('table reader')
    await grantReader(bench.app.db, name, { withTables: true })
    const operational = [
      'api_quota',
      'chain_leaves',
      'identifiers',
      'override_notes',
      'quarantined_payloads',
      'schema_drift',
      'schema_migrations',
      'schema_migrations_lock',
      'sync_runs',
    ].map((table) => `identifai.${table}`)
    const all = [...(await relations('r')), ...(await relations('v'))]
    expect((await readable(says)).toSorted()).toEqual(
      all.filter((relation) => !operational.includes(relation)).toSorted(),
    )
    for (const statement of [...REFUSED, "select identifai.request_refresh('x')"]) {
      expect(await says(statement), statement).toBe(PRIVILEGE)
    }
    await grantReader(bench.app.db, name, { withTables: false })
    expect(await readable(says)).toEqual(await relations('v'))
    const schemaOf = sql<{ may: boolean }>`select has_schema_privilege(${name}, 'identifai', 'usage') as may`
    expect((await schemaOf.execute(bench.app.db)).rows).toEqual([{ may: false }])
    await grantEnqueuer(bench.app.db, name)
    await grantReader(bench.app.db, name, { withTables: false })
    expect((await schemaOf.execute(bench.app.db)).rows, 'who enqueues needs the schema').toEqual([
      { may: true },
    ])
  })

  it('as an enqueuer has identifiers tracked and refreshed, by the statements that it is told, and nothing else', async () => {
    const { name, says } = await role('enqueuer')
    await grantEnqueuer(bench.app.db, name)
    await grantEnqueuer(bench.app.db, name)
    const insert =
      "INSERT INTO identifai.identifiers (identifier, submitted_at, source) VALUES ('told', now(), 'calls') ON CONFLICT DO NOTHING"
    expect(await says(insert)).toEqual([])
    expect(await says(insert)).toEqual([])
    expect(
      await says("INSERT INTO identifai.identifiers (identifier) VALUES ('short') ON CONFLICT DO NOTHING"),
    ).toEqual([])
    expect(await says("SELECT identifai.request_refresh('told')")).toEqual([{ request_refresh: true }])
    expect(await says("SELECT identifai.request_refresh('nobody knows')")).toEqual([
      { request_refresh: false },
    ])
    const { rows } = await sql`
      select identifier, state, source, refresh_requested_at is not null as is_woken from identifai.identifiers
      where identifier in ('told', 'short') order by identifier`.execute(bench.app.db)
    expect(rows).toEqual([
      { identifier: 'short', state: 'pending', source: null, is_refresh_requested: false },
      { identifier: 'told', state: 'pending', source: 'calls', is_refresh_requested: true },
    ])
    expect(await readable(says)).toEqual([])
    for (const statement of [
      ...REFUSED,
      "insert into identifai.identifiers (identifier, state) values ('x', 'done')",
      "insert into identifai.identifiers (identifier, priority) values ('x', 100)",
      "insert into identifai.identifiers (identifier, enqueued_at) values ('x', '2020-01-01')",
      "insert into identifai.identifiers (identifier) values ('x') returning id",
      "insert into identifai.identifiers (identifier) values ('x') on conflict (identifier, media) do nothing",
    ]) {
      expect(await says(statement), statement).toBe(PRIVILEGE)
    }
  })

  it('has to exist, and its name may be anything', async () => {
    await expect(grantReader(bench.app.db, 'nobody', { withTables: false })).rejects.toThrow(
      /^There is no role nobody .* CREATE ROLE nobody/,
    )
    await expect(grantEnqueuer(bench.app.db, 'public')).rejects.toThrow(/^There is no role public/)
    const { name } = await role('a "quoted"; role')
    await grantReader(bench.app.db, name, { withTables: true })
  })
})
