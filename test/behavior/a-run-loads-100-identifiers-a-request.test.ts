import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audioEndpoint } from '../../src/media/audio/endpoint.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import { DATA_TABLES } from '../support/data-tables.ts'
import { readContentRows } from '../support/read-rows.ts'
import { meaning } from '../support/meaning.ts'
import { sampleSize } from '../support/sample-size.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const IDENTIFIERS = sampleSize(1000)
const REQUESTS = IDENTIFIERS / 100

/** Writes to each data table since the statistics began: [table, inserted, updated, deleted]. */
type Writes = readonly (readonly [string, number, number, number])[]

describe(`${IDENTIFIERS} finished identifiers`, () => {
  let bench: TestApp
  let identifiers: string[]
  let run: Awaited<ReturnType<TestApp['run']>>
  let requested: object

  beforeAll(async () => {
    bench = await createTestApp({ world: { seed: 7 } })
    identifiers = bench.simulator.world.register({ count: IDENTIFIERS })
    await bench.enqueue(identifiers)
    run = await bench.run()
    requested = { ...bench.simulator.stats }
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  it(`are loaded in exactly ${REQUESTS} requests`, () => {
    expect(run).toMatchObject({
      status: 'succeeded',
      requests: REQUESTS,
      retries: 0,
      claimed: IDENTIFIERS,
      returned: IDENTIFIERS,
      changed: IDENTIFIERS,
      unchanged: 0,
      released: 0,
      tracked_count: IDENTIFIERS,
      pending_count: 0,
    })
    expect(run.done + run.errored).toBe(IDENTIFIERS)
    expect(requested).toMatchObject({ requests: REQUESTS, identifiers: IDENTIFIERS })
  })

  it('can be read back from SQL value by value', async () => {
    const rows = await readContentRows(bench.app.db)
    expect(rows.size).toBe(IDENTIFIERS)
    for (const identifier of identifiers) {
      const stored = rows.get(identifier)
      if (!stored) throw new Error(`no rows for ${identifier}`)
      const truth = bench.simulator.world.truth(identifier)
      expect(meaning(audioEndpoint.denormalize(stored))).toBe(meaning(truth ?? null))
    }
  })

  it('keep the payload beside each revision', async () => {
    const { rows } = await sql<{ identifier: string; payload: never; revision_no: number }>`
      select r.identifier, r.revision_no, p.payload from identifai.classification_revisions r
      join identifai.revision_payloads p using (classification_id, revision_no)`.execute(bench.app.db)
    expect(rows.length).toBe(IDENTIFIERS)
    for (const { identifier, payload, revision_no } of rows) {
      expect(revision_no).toBe(1)
      expect(payload).toEqual(bench.simulator.world.truth(identifier))
    }
  })

  it('write no row of any data table when a refresh finds no change', async () => {
    bench.simulator.world.options.shuffle = true
    const before = await dataTableWrites(bench)
    expect(await bench.run({ refreshAll: true })).toMatchObject({
      status: 'succeeded',
      requests: REQUESTS,
      claimed: IDENTIFIERS,
      changed: 0,
      unchanged: IDENTIFIERS,
    })
    expect(await dataTableWrites(bench)).toEqual(before)
    expect(before.find(([table]) => table === 'classifications')).toEqual([
      'classifications',
      IDENTIFIERS,
      0,
      0,
    ])
  })
})

/** Reads pg_stat_user_tables after every session has reported its writes; on a cluster, those of the shards. */
async function dataTableWrites({ app, database }: TestApp): Promise<Writes> {
  await expect.poll(() => pendingWrites(app.db), { timeout: 30_000, interval: 200 }).toBe(true)
  const urls = database.workerUrls.length > 0 ? database.workerUrls : [database.url]
  const written = new Map<string, [number, number, number]>()
  for (const url of urls) {
    const { db } = connect({ connectionString: url, maxConnections: 1 })
    await sql`set citus.override_table_visibility = off`.execute(db)
    const { rows } = await sql<{ name: string; ins: number; upd: number; del: number }>`
      select regexp_replace(relname, '_[0-9]+$', '') as name, sum(n_tup_ins)::bigint as ins, sum(n_tup_upd)::bigint as upd,
        sum(n_tup_del)::bigint as del
      from pg_stat_user_tables where schemaname = 'identifai' group by 1`.execute(db)
    await db.destroy()
    for (const { name, ins, upd, del } of rows) {
      const [formerIns, formerUpd, formerDel] = written.get(name) ?? [0, 0, 0]
      written.set(name, [formerIns + ins, formerUpd + upd, formerDel + del])
    }
  }
  return DATA_TABLES.toSorted().map((name) => [name, ...(written.get(name) ?? [0, 0, 0])] as const)
}

/**
 * True when all sessions have reported their statistics, which they do after a second without work. The number of updates
 * of `identifiers` is known.
 */
async function pendingWrites(db: TestApp['app']['db']): Promise<boolean> {
  const { rows } = await sql<{ finished: boolean }>`
    select (select n_tup_upd from pg_stat_user_tables where relid = 'identifai.identifiers'::regclass)
      >= (select sum(claimed) * 2 from identifai.sync_runs) as finished`.execute(db)
  return rows[0]?.finished ?? false
}
