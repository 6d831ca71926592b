import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { sql } from 'kysely'
import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import { verifyDatabase } from '../../src/compliance/verify/verify-database.ts'
import { hasPgBouncer, startPgBouncer } from '../support/pg-bouncer.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { createTestDatabase } from '../support/test-database.ts'
import { createTestCli } from '../support/test-cli.ts'

/** Settings of a role or a database that would change the meaning of a statement, or end it. */
const HOSTILE = {
  statement_timeout: "'100ms'",
  lock_timeout: "'1ms'",
  idle_in_transaction_session_timeout: "'1ms'",
  timezone: "'Asia/Kathmandu'",
  datestyle: "'German'",
  extra_float_digits: '-10',
  search_path: 'shadow, pg_catalog',
}

/** Loads, overrides and refreshes, and returns the stored rows. */
async function wholeWalk(bench: TestApp) {
  const identifiers = await bench.load({ count: 250, outcome: 'done' })
  bench.simulator.world.override(bench.hashOf(identifiers[0] as string), 'human')
  await bench.makeAllDue()
  const { status, changed, force_changes } = await bench.run({ trigger: 'nightly' })
  const { db } = bench.database
  const digests = await db
    .selectFrom('identifai.classification_revisions as r')
    .innerJoin('identifai.personal_values as v', (join) =>
      join
        .onRef('v.classification_id', '=', 'r.classification_id')
        .onRef('v.revision_no', '=', 'r.revision_no'),
    )
    .select(['r.identifier', 'r.revision_no', 'v.content_digest', 'v.name', 'r.machine_confidence'])
    .orderBy('r.identifier')
    .orderBy('r.revision_no')
    .execute()
  const { rows } = await sql`
    select identifier, result_no, elapsed_time, artificial_score
    from identifai.model_results join identifai.classifications using (classification_id)
    order by identifier, result_no`.execute(db)
  const { tables, findings } = await verifyDatabase(bench.app.db, { tables: true })
  const verified = { tables, findings: findings.filter(({ problem }) => problem !== 'was added') }
  return { run: { status, changed, force_changes }, digests, results: rows, verified }
}

it('a role whose settings end slow statements, and change the form of texts, loads the same', async () => {
  await using usual = await createTestApp({ world: { seed: 21 } })
  await using hostile = await createTestApp({ world: { seed: 21 } })
  const { db } = hostile.database
  await sql`create schema shadow`.execute(db)
  await sql`create function shadow.now() returns timestamptz language sql as $$ select '2001-01-01Z'::timestamptz $$`.execute(
    db,
  )
  await sql`create function shadow.clock_timestamp() returns timestamptz language sql as $$ select '2001-01-01Z'::timestamptz $$`.execute(
    db,
  )
  // The beginning and the end of a run take longer than the limit.
  await sql`create function public.wait() returns trigger language plpgsql as $$ begin perform pg_sleep(0.3); return new; end $$`.execute(
    db,
  )
  await sql`create trigger wait before insert or update of status on identifai.sync_runs for each row execute function public.wait()`.execute(
    db,
  )
  for (const [parameter, value] of Object.entries(HOSTILE)) await hostile.database.set(parameter, value)
  expect(await wholeWalk(hostile)).toEqual(await wholeWalk(usual))
  const { rows: runs } = await sql`
    select from identifai.sync_runs where started_at < '2020-01-01Z' or finished_at < '2020-01-01Z'`.execute(
    db,
  )
  expect(runs).toEqual([])
})

describe.skipIf(!hasPgBouncer)('behind PgBouncer in transaction mode', () => {
  it('the whole walk gives the same, and leaves the settings of other clients as they are', async () => {
    await using pooler = await startPgBouncer()
    await using direct = await createTestApp({ world: { seed: 22 } })
    await using pooled = await createTestApp({ world: { seed: 22 }, through: pooler.through })
    const walk = await wholeWalk(pooled)
    expect(walk).toEqual(await wholeWalk(direct))
    expect(walk.verified).toMatchObject({ tables: { definitions: expect.any(Number) }, findings: [] })
    const other = new Client({ connectionString: pooler.through(pooled.database.url) })
    await other.connect()
    // More transactions than the pooler has sessions, so that each of them serves one.
    for (let n = 0; n < 20; n++) {
      const { rows } = await other.query(
        `select name, setting from pg_settings where source = 'session' and name not in ('application_name', 'client_encoding')`,
      )
      expect(rows).toEqual([])
    }
    await other.end()
  })

  it('every command works', async () => {
    await using pooler = await startPgBouncer()
    await using bench = await createTestApp({ world: { seed: 23 }, through: pooler.through })
    using cli = createTestCli()
    const [first, second] = (await bench.load({ count: 20, outcome: 'done' })) as [string, string]
    const environment = {
      DATABASE_URL: pooler.through(bench.database.url),
      IDENTIFAI_API_URL: bench.simulator.apiUrl,
      IDENTIFAI_API_KEY: bench.app.config.apiKey,
      SYNC_REQUESTS_PER_SECOND: '1000',
      SYNC_REQUESTS_PER_MINUTE: '60000',
    }
    const list = path.join(cli.folder, 'list.csv')
    const bundle = path.join(cli.folder, 'report.bundle.jsonl')
    writeFileSync(list, `identifier\n${first}\n`)
    const expected: readonly (readonly [code: number, ...args: string[]])[] = [
      [0, 'migrate', 'status'],
      [0, 'migrate'],
      [0, 'enqueue', '--file', list],
      [0, 'sync', '--refresh-all'],
      [0, 'status'],
      [0, 'status', '--stuck'],
      [0, 'plan'],
      [0, 'requeue', first],
      [0, 'retire', second, '--reason', 'test'],
      [0, 'resume'],
      [0, 'replay', '--dry-run'],
      [0, 'replay'],
      [0, 'explain', first],
      [
        0,
        'annotate',
        '--hash',
        bench.hashOf(first),
        '--forced-to',
        'human',
        '--author',
        'a',
        '--reason',
        'r',
        '--unknown',
      ],
      [0, 'report', 'forced', '--allow-incomplete'],
      [0, 'report', 'bundle', '--allow-incomplete', '--output', bundle],
      [0, 'report', 'verify', '--tables'],
      [0, 'report', 'verify', bundle],
      [3, 'reconcile', list],
      [0, 'prune', '--payloads-older-than', '1d'],
      [0, 'doctor'],
    ]
    for (const [code, ...args] of expected) {
      const result = await cli.call(args, environment)
      expect([args, result.code, result.code === code ? '' : result.stderr]).toEqual([args, code, ''])
    }
    await using empty = await createTestDatabase('empty')
    for (const args of [['migrate'], ['migrate', 'down', '--all', '--yes']]) {
      expect(await cli.call(args, { DATABASE_URL: pooler.through(empty.url) })).toMatchObject({ code: 0 })
    }
    const url = new URL(environment.DATABASE_URL)
    url.pathname = 'no_such_database'
    expect(await cli.call(['status'], { ...environment, DATABASE_URL: url.href })).toMatchObject({
      code: 5,
      stderr: expect.stringMatching(
        /^error: The connection pooler refuses the connection \(.*\)\. Check the/,
      ),
    })
  })
})
