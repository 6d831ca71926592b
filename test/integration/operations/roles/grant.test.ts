import { sql } from 'kysely'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import {
  grantEnqueuer,
  grantJob,
  grantMaintenance,
  grantReader,
} from '../../../../src/operations/roles/grant.ts'
import { prunePayloads } from '../../../../src/compliance/history/prune-payloads.ts'
import { redact } from '../../../../src/compliance/history/redact.ts'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { retire } from '../../../../src/pipeline/queue/retire.ts'
import { connect } from '../../../../src/platform/postgres/connect.ts'
import { migrateUp } from '../../../../src/platform/postgres/migrate.ts'
import { DATA_TABLES } from '../../../support/data-tables.ts'
import { readHeld } from '../../../../src/operations/roles/read-privileges.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

const PRIVILEGE = '42501'

const CAREFUL = { revokesOthers: false }
const VIEWS = { ...CAREFUL, withTables: false, withoutPersonal: false }

const isCluster = inject('workerUrls').length > 0

/** On a cluster, the views need the tables below them, all but the payloads. */
const BELOW_THE_VIEWS = isCluster
  ? [...DATA_TABLES.filter((name) => name !== 'revision_payloads'), 'override_notes'].map(
      (table) => `identifai.${table}`,
    )
  : []

const COUNT = 'select count(*)::int as n from identifai_reporting.classifications'

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

  /** The result of COUNT, as a superuser reads it. */
  async function loaded() {
    const { rows } = await sql.raw<{ n: number }>(COUNT).execute(bench.app.db)
    expect(rows[0]?.n).toBeGreaterThanOrEqual(5)
    return rows
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
    'delete from identifai.personal_values',
    'drop view identifai_reporting.clips',
    "insert into identifai.override_notes (file_hash, forced_to, author, reason) values ('h', 'human', 'a', 'r')",
  ]

  it('as a reader reads the reporting views, including those of later migrations, and nothing else', async () => {
    const { name, execute } = await role('reader')
    expect(await readable(execute)).toEqual([])
    await grantReader(bench.app.db, name, VIEWS)
    await grantReader(bench.app.db, name, VIEWS)
    expect((await readable(execute)).toSorted()).toEqual(
      [...BELOW_THE_VIEWS, ...(await relations('v'))].toSorted(),
    )
    expect(await execute(COUNT)).toEqual(await loaded())
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

  it.skipIf(isCluster)(
    'as a reader without personal values reads every other column of every view',
    async () => {
      const { name, execute } = await role('anonymous reader')
      await grantReader(bench.app.db, name, VIEWS)
      const withoutPersonal = { ...VIEWS, withoutPersonal: true }
      await expect(grantReader(bench.app.db, name, withoutPersonal)).rejects.toThrow('has other privileges')
      await grantReader(bench.app.db, name, { ...withoutPersonal, revokesOthers: true })
      // The end of a privilege on a view is also the end of those on its columns.
      await sql`grant select on identifai_reporting.classifications to ${sql.id(name)}`.execute(bench.app.db)
      expect(
        await grantReader(bench.app.db, name, { ...withoutPersonal, revokesOthers: true }),
      ).toMatchObject({ revoked: ['SELECT ON identifai_reporting.classifications'] })
      expect(await grantReader(bench.app.db, name, withoutPersonal)).toMatchObject({
        granted: [],
        revoked: [],
      })
      const { rows } = await sql<{ view: string; column: string }>`
      select table_name as view, column_name as column from information_schema.columns
      where table_schema = 'identifai_reporting'`.execute(bench.app.db)
      const refused: string[] = []
      for (const [view, columns] of Map.groupBy(rows, (row) => row.view)) {
        for (const { column } of columns) {
          const result = await execute(`select ${column} from identifai_reporting.${view} limit 1`)
          if (result === PRIVILEGE) refused.push(`${view}.${column}`)
        }
      }
      const personal = ['name', 'ref_id', 'result_url'].flatMap((column) =>
        [
          'classifications',
          'forced_classifications',
          'force_events',
          'review_worklist',
          'classification_history',
        ]
          .filter((view) => view !== 'classification_history' || column !== 'result_url')
          .map((view) => `${view}.${column}`),
      )
      expect(refused.toSorted()).toEqual(personal.toSorted())
      expect(await execute(COUNT)).toEqual(await loaded())
      await sql`create view identifai_reporting.later as select 1 as name`.execute(bench.app.db)
      expect(await execute('select * from identifai_reporting.later')).toBe(PRIVILEGE)
      await sql`drop view identifai_reporting.later`.execute(bench.app.db)
    },
  )

  it('as a reader of the tables also reads the data tables, until it is granted the views only', async () => {
    const { name, execute } = await role('table reader')
    await grantReader(bench.app.db, name, { ...VIEWS, withTables: true })
    // This list is not derived from the code, so that a new table is readable only on purpose.
    const operational = [
      'actions',
      'api_quota',
      'api_size_limits',
      'change_clock',
      'chain_leaves',
      'chain_timestamps',
      'identifiers',
      'media',
      'override_notes',
      'quarantined_payloads',
      'schema_drift',
      'schema_migrations',
      'schema_migrations_lock',
      'sync_runs',
      'verifications',
      'webhook_position',
    ].map((table) => `identifai.${table}`)
    const all = [...(await relations('r')), ...(await relations('v'))]
    expect((await readable(execute)).toSorted()).toEqual(
      all
        .filter((relation) => !operational.includes(relation) || BELOW_THE_VIEWS.includes(relation))
        .toSorted(),
    )
    for (const statement of [...REFUSED, "select identifai.request_refresh('x')"]) {
      expect(await execute(statement), statement).toBe(PRIVILEGE)
    }
    await grantReader(bench.app.db, name, { ...VIEWS, revokesOthers: true })
    expect((await readable(execute)).toSorted()).toEqual(
      [...BELOW_THE_VIEWS, ...(await relations('v'))].toSorted(),
    )
    const { rows } = await sql`select has_schema_privilege(${name}, 'identifai', 'usage') as may`.execute(
      bench.app.db,
    )
    expect(rows).toEqual([{ may: isCluster }])
  })

  it('can be of an enqueuer and of a reader, in any order', async () => {
    const { name, execute } = await role('reading enqueuer')
    await grantEnqueuer(bench.app.db, name, CAREFUL)
    await grantReader(bench.app.db, name, { ...VIEWS, withTables: true })
    await grantEnqueuer(bench.app.db, name, CAREFUL)
    expect(await execute("select identifai.request_refresh('x')")).toEqual([{ request_refresh: false }])
    expect(await execute(COUNT)).toEqual(await loaded())
    expect(await execute('select count(*)::int as n from identifai.classifications')).toEqual(await loaded())
  })

  it.skipIf(isCluster)(
    'can be of an enqueuer and of a reader without personal values, in any order',
    async () => {
      const { name, execute } = await role('careful enqueuer')
      await grantReader(bench.app.db, name, { ...VIEWS, withoutPersonal: true })
      await grantEnqueuer(bench.app.db, name, CAREFUL)
      await grantReader(bench.app.db, name, { ...VIEWS, withoutPersonal: true })
      expect(await execute("select identifai.request_refresh('x')")).toEqual([{ request_refresh: false }])
      expect(await execute(COUNT)).toEqual(await loaded())
      expect(await execute('select name from identifai_reporting.classifications')).toBe('42501')
    },
  )

  it('as a reader has settings for fast views in this database', async () => {
    const { name, execute } = await role('fast reader')
    const settings = `select current_setting('jit') as jit, current_setting('random_page_cost') as page_cost`
    expect(await execute(settings)).toEqual([{ jit: 'on', page_cost: '4' }])
    expect(await grantReader(bench.app.db, name, VIEWS)).toMatchObject({ statementsForAdministrator: [] })
    expect(await execute(settings)).toEqual([{ jit: 'off', page_cost: '1.1' }])
  })

  it('as a reader is granted the views by a role that may not change other roles, which gets the missing statements', async () => {
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
      const granted = await grantReader(asOwner.db, reader.name, VIEWS)
      expect(granted.statementsForAdministrator).toEqual([
        `ALTER ROLE "${reader.name}" IN DATABASE ${name} SET jit = off`,
        `ALTER ROLE "${reader.name}" IN DATABASE ${name} SET random_page_cost = 1.1`,
      ])
      for (const statement of granted.statementsForAdministrator)
        await sql.raw(statement).execute(database.db)
      expect(await grantReader(asOwner.db, reader.name, VIEWS)).toMatchObject({
        statementsForAdministrator: [],
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
    await grantEnqueuer(bench.app.db, name, CAREFUL)
    await grantEnqueuer(bench.app.db, name, CAREFUL)
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

  it('of maintenance prunes and redacts, and does nothing else', async () => {
    const { name, execute } = await role('maintenance')
    const noting = 'INSERT ON identifai.override_notes'
    await sql`grant ${sql.raw(noting)} to ${sql.id(name)}`.execute(bench.app.db)
    await expect(grantMaintenance(bench.app.db, name, CAREFUL)).rejects.toThrow(noting)
    expect(await grantMaintenance(bench.app.db, name, { revokesOthers: true })).toMatchObject({
      revoked: [noting],
    })
    for (const statement of [
      ...REFUSED.filter(
        (refused) =>
          !/^update identifai\.(identifiers|classifications)|^delete from identifai\.(revision|personal)/.test(
            refused,
          ),
      ),
      "update identifai.identifiers set state = 'done'",
      "update identifai.classifications set force_classification = 'human'",
      'select name from identifai.personal_values',
      'select payload from identifai.quarantined_payloads',
      'update identifai.revision_payloads set payload = payload',
      'delete from identifai.classification_revisions',
      'delete from identifai.actions',
      'select * from identifai_reporting.classifications',
    ])
      expect(await execute(statement), statement).toBe(PRIVILEGE)
    const [identifier] = (await bench.load({ count: 1, outcome: 'done' })) as [string]
    await retire(bench.app.db, argumentEntries([identifier]), { reason: 'r' })
    const url = new URL(bench.database.url)
    url.username = encodeURIComponent(name)
    url.password = 'p'
    const own = connect({ connectionString: url.href, maxConnections: 1 })
    try {
      const because = { media: 'audio', reason: 'r', author: null, isDryRun: false }
      expect(await redact(own.db, identifier, because)).toMatchObject({ revisions: 1, payloads: 1 })
      const signal = new AbortController().signal
      expect(await prunePayloads(own.db, { olderThanDays: 1, isDryRun: false, signal })).toMatchObject({
        removed: 0,
      })
    } finally {
      await own.db.destroy()
    }
  })

  it('lists the granted and revoked privileges, and the second time none', async () => {
    const { name } = await role('listed')
    expect(await grantEnqueuer(bench.app.db, name, CAREFUL)).toEqual({
      granted: [
        'USAGE ON SCHEMA identifai',
        'INSERT (media) ON identifai.identifiers',
        'INSERT (identifier) ON identifai.identifiers',
        'INSERT (submitted_at) ON identifai.identifiers',
        'INSERT (source) ON identifai.identifiers',
        'EXECUTE ON FUNCTION identifai.request_refresh(text,text)',
      ],
      revoked: [],
    })
    expect(await grantEnqueuer(bench.app.db, name, CAREFUL)).toEqual({ granted: [], revoked: [] })
    expect(await grantReader(bench.app.db, name, VIEWS)).toMatchObject({
      granted: expect.arrayContaining(['SELECT ON identifai_reporting.classifications']),
    })
    const again = { granted: [], revoked: [] }
    expect(await grantReader(bench.app.db, name, VIEWS)).toMatchObject(again)
  })

  it.each([
    ['a table', 'truncate on identifai.clips', 'TRUNCATE ON identifai.clips'],
    ['a column', 'update (source) on identifai.identifiers', 'UPDATE (source) ON identifai.identifiers'],
    [
      'a function',
      'execute on function identifai.stamp_note()',
      'EXECUTE ON FUNCTION identifai.stamp_note()',
    ],
    ['a schema', 'create on schema identifai_reporting', 'CREATE ON SCHEMA identifai_reporting'],
    [
      'a sequence',
      'usage on sequence identifai.identifiers_id_seq',
      'USAGE ON SEQUENCE identifai.identifiers_id_seq',
    ],
  ])(
    'with another privilege, on %s, is refused unless it is to be revoked',
    async (what, privilege, listed) => {
      const { db } = bench.app
      const { name } = await role(`holder of a privilege on ${what}`)
      const give = () => sql`grant ${sql.raw(privilege)} to ${sql.id(name)}`.execute(db)
      const kinds = [
        (options: typeof CAREFUL) =>
          grantReader(db, name, { ...options, withTables: true, withoutPersonal: false }),
        (options: typeof CAREFUL) => grantEnqueuer(db, name, options),
        (options: typeof CAREFUL) => grantJob(db, name, { ...options, annotates: true }),
      ]
      for (const grant of kinds) {
        await give()
        await expect(grant(CAREFUL)).rejects.toThrow(`so nothing was changed:\n  ${listed}\n`)
        expect(await grant({ revokesOthers: true })).toMatchObject({
          revoked: expect.arrayContaining([listed]),
        })
        expect(await grant(CAREFUL)).toMatchObject({ granted: [], revoked: [] })
        await sql`drop owned by ${sql.id(name)}`.execute(db)
      }
    },
  )

  it('that was given the privileges of the job by mistake has those of an enqueuer only, once others are revoked', async () => {
    const { name, execute } = await role('mistaken enqueuer')
    await grantJob(bench.app.db, name, { ...CAREFUL, annotates: false })
    await expect(grantEnqueuer(bench.app.db, name, CAREFUL)).rejects.toThrow('has other privileges')
    await grantEnqueuer(bench.app.db, name, { revokesOthers: true })
    expect(await grantEnqueuer(bench.app.db, name, CAREFUL)).toEqual({ granted: [], revoked: [] })
    expect(await readable(execute)).toEqual([])
    expect(
      await execute("insert into identifai.identifiers (identifier) values ('late') on conflict do nothing"),
    ).toEqual([])
  })

  it('of a reader or of an enqueuer is not made one of the job', async () => {
    const [reader, enqueuer] = [await role('only reader'), await role('only enqueuer')]
    await grantReader(bench.app.db, reader.name, VIEWS)
    await grantEnqueuer(bench.app.db, enqueuer.name, CAREFUL)
    for (const { name } of [reader, enqueuer]) {
      const grant = grantJob(bench.app.db, name, { ...CAREFUL, annotates: false })
      await expect(grant).rejects.toThrow('has other privileges, so nothing was changed')
    }
  })

  it('of the job is not made a reader, and the next run works', async () => {
    const { name } = await role('job')
    await grantJob(bench.app.db, name, { ...CAREFUL, annotates: false })
    await expect(grantReader(bench.app.db, name, VIEWS)).rejects.toThrow(
      /has other privileges, so nothing was changed:\n.*\n {2}INSERT, (SELECT, )?UPDATE ON identifai\.classifications\n/s,
    )
    expect(await grantJob(bench.app.db, name, { ...CAREFUL, annotates: false })).toEqual({
      granted: [],
      revoked: [],
    })
  })

  it('is refused when it owns the tables, or has privileges by a membership or by PUBLIC', async () => {
    const { db } = bench.app
    await expect(grantReader(db, 'postgres', VIEWS)).rejects.toThrow(/^The role postgres owns the tables/)
    const [writer, member] = [await role('writer'), await role('member')]
    await sql`grant usage on schema identifai to ${sql.id(writer.name)}`.execute(db)
    await sql`grant update, truncate on identifai.clips to ${sql.id(writer.name)}`.execute(db)
    await sql`grant ${sql.id(writer.name)} to ${sql.id(member.name)}`.execute(db)
    await expect(grantReader(db, member.name, { ...VIEWS, revokesOthers: true })).rejects.toThrow(
      /by its membership in other roles.*\n {2}TRUNCATE, UPDATE ON identifai\.clips\n/s,
    )
    expect(await readable(member.execute), 'nothing was changed').toEqual([])
    await expect(grantJob(db, member.name, { annotates: true, revokesOthers: true })).rejects.toThrow(
      /by its membership in other roles/,
    )
    expect(await readHeld(db, member.name), 'nothing was changed').toEqual([])
    const { name } = await role('public')
    await sql`grant delete on identifai_reporting.clips to public`.execute(db)
    await expect(grantReader(db, name, VIEWS)).rejects.toThrow('DELETE ON identifai_reporting.clips')
    await sql`revoke delete on identifai_reporting.clips from public`.execute(db)
    await sql`grant update (name) on identifai_reporting.classifications to public`.execute(db)
    await expect(grantReader(db, name, VIEWS)).rejects.toThrow(
      'UPDATE (name) ON identifai_reporting.classifications',
    )
    await sql`revoke update (name) on identifai_reporting.classifications from public`.execute(db)
  })

  it('has to exist, and can have any name', async () => {
    await expect(grantReader(bench.app.db, 'Unknown "role"', VIEWS)).rejects.toThrow(
      'CREATE ROLE "Unknown ""role""" LOGIN',
    )
    await expect(grantReader(bench.app.db, 'unknown_role', VIEWS)).rejects.toThrow(
      /^The database server has no role unknown_role\. .* CREATE ROLE unknown_role/,
    )
    await expect(grantEnqueuer(bench.app.db, 'public', CAREFUL)).rejects.toThrow(
      /^The database server has no role public/,
    )
    const { name } = await role('a "quoted"; role')
    await grantReader(bench.app.db, name, { ...VIEWS, withTables: true })
  })
})
