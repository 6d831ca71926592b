import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Kysely, sql } from 'kysely'
import { expect, it } from 'vitest'
import { replaceView } from '../../migrations/replace-view.ts'
import { verifyDatabase } from '../../src/compliance/verify/verify-database.ts'
import { move, planMove } from '../../src/operations/distribution/distribute.ts'
import { grantReader } from '../../src/operations/roles/grant.ts'
import { newRun, openRun } from '../../src/pipeline/run/run-rows.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import { distributedTables } from '../../src/platform/postgres/citus.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import { DATA_TABLES } from '../support/data-tables.ts'
import { dumpTables } from '../support/dump-tables.ts'
import { onServer } from '../support/on-server.ts'
import { openWorker } from '../support/shards.ts'
import { createTestApp } from '../support/test-app.ts'
import { createTestCli } from '../support/test-cli.ts'
import { createTestDatabase } from '../support/test-database.ts'

/** Comments, grants, options and definitions of all objects, as pg_dump would write them. */
async function readSchema(db: Kysely<Database>): Promise<string[]> {
  const { rows } = await sql<{ text: string }>`
    with relations as (
      select c.oid, c.relkind, c.relname, c.relacl, c.reloptions, c.relowner, s.nspname from pg_class as c
      join pg_namespace as s on s.oid = c.relnamespace and s.nspname in ('identifai', 'identifai_reporting', 'own')
    )
    select concat_ws(' ', relkind, nspname, relname, reloptions, pg_get_userbyid(relowner),
      (select string_agg(one::text, ' ' order by one::text) from unnest(relacl) as one),
      case when relkind = 'v' then pg_get_viewdef(oid) when relkind = 'i' then pg_get_indexdef(oid) end) as text
      from relations
    union all select concat_ws(' ', r.nspname, r.relname, a.attname, a.attacl::text)
      from pg_attribute as a join relations as r on r.oid = a.attrelid where a.attacl is not null
    union all select concat_ws(' ', r.nspname, r.relname, d.objsubid, d.description)
      from pg_description as d join relations as r on r.oid = d.objoid and d.classoid = 'pg_class'::regclass
    union all select concat_ws(' ', r.nspname, r.relname, c.conname, pg_get_constraintdef(c.oid))
      from pg_constraint as c join relations as r on r.oid = c.conrelid
    union all select concat_ws(' ', r.nspname, r.relname, pg_get_triggerdef(t.oid))
      from pg_trigger as t join relations as r on r.oid = t.tgrelid where not t.tgisinternal
    order by 1`.execute(db)
  return rows.map(({ text }) => text)
}

it('undistribute and distribute keep all rows, comments and grants, also on views of others, and leave no copy behind', async () => {
  await using bench = await createTestApp({ world: { seed: 3 } })
  const { db } = bench.app
  await bench.load({ count: 50 })
  await sql`create schema own`.execute(db)
  await sql`create view own.mine as select identifier from identifai_reporting.classifications`.execute(db)
  await sql`comment on view own.mine is 'of a customer'`.execute(db)
  const reader = `reader of ${new URL(bench.database.url).pathname.slice(1)}`
  await sql`create role ${sql.id(reader)} login password 'p'`.execute(db)
  try {
    await sql`grant select on own.mine to ${sql.id(reader)}`.execute(db)
    await sql`grant update (identifier) on own.mine to ${sql.id(reader)}`.execute(db)
    await grantReader(db, reader, { revokesOthers: false, withTables: false, withoutPersonal: false })
    const [rows, schema] = [await dumpTables(db), await readSchema(db)]

    expect(await move(db, 'coordinator')).not.toEqual([])
    expect(await distributedTables(db)).toEqual([])
    expect(await dumpTables(db)).toBe(rows)
    const single = await readSchema(db)
    expect(
      single.filter((text) =>
        / CREATE TRIGGER .*(_append_only|_unchanged) .* identifai\.(classification_revisions|personal_values|revision_payloads) /.test(
          text,
        ),
      ),
    ).toHaveLength(3)
    const { rows: tables } = await sql`
      select has_schema_privilege(${reader}, 'identifai', 'usage') as schema,
        has_table_privilege(${reader}, 'identifai.classifications', 'select') as tables,
        has_table_privilege(${reader}, 'identifai_reporting.classifications', 'select') as views`.execute(db)
    expect(tables).toEqual([{ schema: false, tables: false, views: true }])

    expect(await move(db, 'workers')).not.toEqual([])
    expect(await dumpTables(db)).toBe(rows)
    expect(await readSchema(db)).toEqual(schema)
    const { rows: sizes } = await sql`
      select relname from pg_class where relnamespace = 'identifai'::regnamespace
        and relname = any(${DATA_TABLES}::text[]) and pg_relation_size(oid) > 0`.execute(db)
    expect(sizes).toEqual([])
    expect(await move(db, 'workers')).toEqual([])
  } finally {
    await sql`drop owned by ${sql.id(reader)}`.execute(db)
    await sql`drop role ${sql.id(reader)}`.execute(db)
  }
})

it('distribute that is interrupted in the middle changes nothing', async () => {
  await using bench = await createTestApp({ world: { seed: 3 } })
  const { db } = bench.app
  await bench.load({ count: 20 })
  await move(db, 'coordinator')
  const [rows, schema] = [await dumpTables(db), await readSchema(db)]
  const blocker = await db.startTransaction().execute()
  await sql`lock table identifai.revision_payloads in share mode`.execute(blocker)
  const moving = move(db, 'workers')
  moving.catch(() => {})
  await expect
    .poll(
      async () =>
        (
          await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
          and query ~ 'DROP TRIGGER|create_distributed_table'`.execute(db)
        ).rows.length,
      { timeout: 20_000 },
    )
    .toBe(1)
  await expect(moving).rejects.toThrow()
  await blocker.rollback().execute()
  expect(await distributedTables(db)).toEqual([])
  expect(await dumpTables(db)).toBe(rows)
  expect(await readSchema(db)).toEqual(schema)
  await move(db, 'workers')
  expect(await dumpTables(db)).toBe(rows)
})

it('distribute names each problem of the cluster, and then changes nothing', async () => {
  await using own = await createTestDatabase()
  const { db } = own
  await move(db, 'coordinator')
  using cli = createTestCli()
  const environment = { DATABASE_URL: own.url }

  await openRun(db, newRun('manual'))
  const inProgress = await cli.call(['distribute'], environment)
  expect(inProgress).toMatchObject({
    code: 5,
    stderr: expect.stringMatching(/The run .* is in progress \(process [0-9]+ on .*Stop the daemon/),
  })
  const dryRun = await cli.call(['distribute', '--dry-run'], environment)
  expect(dryRun.code).toBe(0)
  expect(dryRun.stdout).toMatch(
    /^-- Citus [0-9.-]+\. Size of the data tables: [0-9,]+ MB\.\n-- the coordinator: [0-9,]+ MB/,
  )
  expect(dryRun.stdout).toMatch(/-- Problem: The run .* is in progress/)
  expect(dryRun.stdout).toContain("SELECT create_distributed_table('identifai.clips'")
  await sql`update identifai.sync_runs set status = 'failed', finished_at = now()`.execute(db)

  // A role that only the coordinator has.
  const role = `other of ${new URL(own.url).pathname.slice(1)}`
  await onServer(
    own.url,
    `set citus.enable_create_role_propagation = off; create role "${role}"; grant select on identifai.clips to "${role}"`,
  )
  try {
    const missing = await planMove(db, 'workers')
    expect(missing.problems.map(({ message }) => message)).toEqual(
      own.workerUrls.map(() =>
        expect.stringMatching(
          new RegExp(`^The worker .* does not have the role ${role}, which has privileges`),
        ),
      ),
    )
    await expect(move(db, 'workers')).rejects.toMatchObject({ exitCode: 5 })
  } finally {
    await onServer(
      own.url,
      `set citus.enable_create_role_propagation = off; drop owned by "${role}"; drop role "${role}"`,
    )
  }
  expect(await distributedTables(db)).toEqual([])

  // A reader without personal values would read the tables below the views.
  const reader = `reader ${new URL(own.url).pathname.slice(1)}`
  const limited = { revokesOthers: false, withTables: false, withoutPersonal: true }
  await sql`create role ${sql.id(reader)}`.execute(db)
  try {
    await grantReader(db, reader, limited)
    const { problems } = await planMove(db, 'workers')
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringContaining(`The role ${reader} reads the views without personal values`),
    ])
    await sql`drop owned by ${sql.id(reader)}`.execute(db)
    await move(db, 'workers')
    await expect(grantReader(db, reader, limited)).rejects.toThrow('cannot be kept from personal values')
    await move(db, 'coordinator')
  } finally {
    await sql`drop owned by ${sql.id(reader)}`.execute(db)
    await sql`drop role ${sql.id(reader)}`.execute(db)
  }

  // A worker is not the coordinator, and has no tables of its own to move.
  await using worker = await openWorker(own)
  expect((await worker.client.query('select citus_is_coordinator() as is')).rows).toEqual([{ is: false }])
})

it('an upgrade can add columns to distributed tables, and replace views of them', async () => {
  await using bench = await createTestApp({ world: { seed: 3 } })
  const { db } = bench.app
  await bench.load({ count: 20, outcome: 'done' })
  await db.transaction().execute(async (trx) => {
    await sql`alter table identifai.clips add column speaker text`.execute(trx)
    await sql`create index clips_speaker_idx on identifai.clips (speaker)`.execute(trx)
    await sql`comment on column identifai.clips.speaker is 'Added by an upgrade.'`.execute(trx)
    await replaceView(trx as unknown as Kysely<unknown>, 'verdict_models', {
      comment: 'Replaced. One row per clip.',
      columns: { classification_id: 'Number.', speaker: 'Added. Null: not known.' },
      query: 'select classification_id, speaker from identifai.clips',
    })
  })
  const { rows } = await sql<{ n: number }>`
    select count(*) as n from identifai_reporting.verdict_models where speaker is null`.execute(db)
  expect(rows[0]?.n).toBeGreaterThan(0)
  await bench.load({ count: 10, outcome: 'done' })
})

it('a dump of the coordinator can be restored on one server, and undistribute then restores the triggers', async () => {
  await using bench = await createTestApp({ world: { seed: 3 } })
  await bench.load({ count: 30 })
  const rows = await dumpTables(bench.app.db)
  await using restored = await createTestDatabase('empty')
  const run = promisify(execFile)
  const { stdout } = await run(
    'pg_dump',
    ['--no-owner', '--dbname', bench.database.url, '--schema', 'identifai*'],
    {
      maxBuffer: 1e9,
    },
  )
  const restore = run('psql', ['--quiet', '--set', 'ON_ERROR_STOP=1', '--dbname', restored.url])
  restore.child.stdin?.end(stdout)
  await restore
  const { db } = connect({ connectionString: restored.url, maxConnections: 2 })
  try {
    expect(await dumpTables(db)).toBe(rows)
    const missing = (await verifyDatabase(db, { tables: true })).findings.map(
      ({ what, problem }) => `${what} ${problem}`,
    )
    expect(missing.toSorted()).toEqual(
      [
        'classification_revisions_append_only on identifai.classification_revisions',
        'personal_values_unchanged on identifai.personal_values',
        'revision_payloads_unchanged on identifai.revision_payloads',
      ].map((trigger) => `trigger ${trigger} is missing`),
    )
    expect(await move(db, 'coordinator')).toHaveLength(3)
    expect((await verifyDatabase(db, { tables: true })).findings).toEqual([])
  } finally {
    await db.destroy()
  }
})
