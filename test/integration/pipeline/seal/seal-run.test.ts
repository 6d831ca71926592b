import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { merkleRoot } from '../../../support/merkle-root.ts'
import { verifyChain } from '../../../../src/compliance/verify/verify-chain.ts'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { retire } from '../../../../src/pipeline/queue/retire.ts'
import { newRun, openRun } from '../../../../src/pipeline/run/run-rows.ts'
import { addNote } from '../../../support/add-note.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'

/** The rows as an independent reader of the rule writes them: all columns but nulls, times as UTC text with six digits. */
async function asJson({ app }: TestApp, table: string, order: string): Promise<Record<string, unknown>[]> {
  const { rows } = await sql<{ row: Record<string, unknown> }>`
    select to_jsonb(t) as row from ${sql.table(`identifai.${table}`)} t order by ${sql.raw(order)}`.execute(
    app.db,
  )
  return rows.map(({ row }) =>
    Object.fromEntries(
      Object.entries(row)
        .filter(([, value]) => value !== null)
        .map(([column, value]) => [column, isTime(value) ? sixDigits(value) : value]),
    ),
  )
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/.test(value)
}

function sixDigits(time: string): string {
  const [, seconds, fraction = ''] = /^(.{19})(?:\.(\d+))?\+00:00$/.exec(time) ?? []
  return `${seconds}.${fraction.padEnd(6, '0')}Z`
}

function sha256(...parts: (string | Buffer)[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

describe('the chain', () => {
  it('binds every run, its revisions and the notes since the run before, as documented', async () => {
    await using bench = await createTestApp({ world: { seed: 23, requestsUntilDone: 2 } })
    await bench.enqueue(bench.simulator.world.register({ count: 130 }))
    for (let run = 0; run < 4; run++) {
      await bench.run()
      await addNote(bench.app.db, `hash-${run}`)
      if (run === 2) await addNote(bench.app.db, 'another')
      await bench.makeAllDue()
    }
    await bench.run()

    const runs = await asJson(bench, 'sync_runs', 'chain_position')
    const revisions = await asJson(bench, 'classification_revisions', 'classification_id, revision_no')
    const notes = await asJson(bench, 'override_notes', 'note_id')
    const leaves = await asJson(bench, 'chain_leaves', 'chain_position, leaf_no')
    expect(runs.map(({ chain_position }) => chain_position)).toEqual([1, 2, 3, 4, 5])
    expect(runs.map(({ notes_through }) => notes_through)).toEqual([0, 1, 2, 4, 5])
    const runLeaves: Buffer[] = []
    let sealedNotes = 0
    for (const run of runs) {
      const rows = [
        ...revisions.filter(({ run_id }) => run_id === run.run_id),
        ...notes.filter(
          ({ note_id }) => Number(note_id) > sealedNotes && Number(note_id) <= Number(run.notes_through),
        ),
      ]
      sealedNotes = Number(run.notes_through)
      const hashes = rows.map((row) => sha256(Buffer.from([0]), canonicalize(row) ?? ''))
      const { heartbeat_at: _, chain_nodes, chain_head, ...sealed } = run
      const { chain_position } = sealed
      expect(sealed).toMatchObject({
        merkle_root: merkleRoot(hashes).toString('hex'),
        leaf_count: hashes.length,
      })
      const stored = leaves.filter((leaf) => leaf.chain_position === chain_position)
      expect(stored.map(({ leaf_hash }) => leaf_hash)).toEqual(hashes.map((hash) => hash.toString('hex')))
      runLeaves.push(sha256(Buffer.from([0]), canonicalize(sealed) ?? ''))
      expect(chain_head).toBe(merkleRoot(runLeaves).toString('hex'))
      // The complete subtrees that end here: of one run, and of 2 and 4 where that divides the position.
      const sizes = [1, 2, 4].filter((size) => runLeaves.length % size === 0)
      expect(chain_nodes).toEqual(sizes.map((size) => merkleRoot(runLeaves.slice(-size)).toString('hex')))
    }
    expect(leaves.length).toBe(revisions.length + notes.length)
  })

  it('numbers the leaves of a run one after the other, also over several statements', async () => {
    await using bench = await createTestApp()
    const { db } = bench.app
    // A statement inserts 5,000 leaves.
    await sql`
      insert into identifai.actions (kind, identifiers) select 'prune', 1 from generate_series(1, 5002)`.execute(
      db,
    )
    expect((await bench.run()).leaf_count).toBe(5002)
    const { rows } = await sql`
      select leaf_no::int from identifai.chain_leaves order by action_id`.execute(db)
    expect(rows).toEqual(Array.from({ length: 5002 }, (_, leaf_no) => ({ leaf_no })))
    expect((await verifyChain(db)).findings).toEqual([])
  })

  it('includes a run whose process died, when the next run closes it', async () => {
    await using bench = await createTestApp()
    await sql`
      insert into identifai.sync_runs (run_id, trigger, host, pid, version, started_at, heartbeat_at)
      values (gen_random_uuid(), 'manual', 'h', 1, '0', now() - interval '1 day', now() - interval '1 day')`.execute(
      bench.app.db,
    )
    await bench.run()
    const runs = await bench.app.db
      .selectFrom('identifai.sync_runs')
      .select(['status', 'chain_position'])
      .orderBy('chain_position')
      .execute()
    expect(runs).toEqual([
      { status: 'interrupted', chain_position: 1 },
      { status: 'succeeded', chain_position: 2 },
    ])
  })

  it('has a definite order when several runs end at the same time', async () => {
    await using bench = await createTestApp({ environment: { SYNC_BATCH_SIZE: '10' } })
    await bench.enqueue(bench.simulator.world.register({ count: 300 }))
    await Promise.all(Array.from({ length: 5 }, () => bench.run()))
    const { rows } = await sql<{ inOrder: boolean; n: number }>`
      select chain_position = row_number() over (order by finished_at) as "inOrder", count(*) over () as n
      from identifai.sync_runs`.execute(bench.app.db)
    expect(rows).toEqual(Array.from({ length: 5 }, () => ({ inOrder: true, n: 5 })))
  })

  it('seals why identifiers were retired, the twenty most frequent reasons by name', async () => {
    await using bench = await createTestApp()
    const { app } = bench
    expect((await bench.run()).retired_reasons).toBeNull()
    const ids = Array.from({ length: 25 }, (_, n) => `r-${n}`)
    await bench.enqueue(ids)
    await retire(app.db, argumentEntries(ids.slice(0, 3)), { reason: 'test call' })
    for (const id of ids.slice(3)) await retire(app.db, argumentEntries([id]), { reason: `of ${id}` })
    const sealed = (await bench.run()).retired_reasons as { reason: string | null; identifiers: number }[]
    expect(sealed).toHaveLength(21)
    expect(sealed[0]).toEqual({ reason: 'test call', identifiers: 3 })
    expect(sealed[20]).toEqual({ reason: null, identifiers: 3 })
    expect((await verifyChain(app.db)).findings).toEqual([])
  })

  it('counts the unfinished runs that had already changed contents', async () => {
    await using bench = await createTestApp()
    const { app } = bench
    await bench.enqueue(bench.simulator.world.register({ count: 3 }))
    expect((await bench.run()).unsealed_runs).toBe(0)
    const others = [newRun('manual'), newRun('manual')]
    for (const other of others) await openRun(app.db, other)
    expect((await bench.run()).unsealed_runs).toBe(0)
    await sql`
      insert into identifai.classification_revisions
      select (r).* from (
        select jsonb_populate_record(r, jsonb_build_object('revision_no', 2, 'run_id', ${others[0]?.runId}::text)) as r
        from identifai.classification_revisions as r limit 1) as copy`.execute(app.db)
    expect((await bench.run()).unsealed_runs).toBe(1)
  })

  it('does not change when a later version adds columns', async () => {
    await using bench = await createTestApp()
    await bench.enqueue(bench.simulator.world.register({ count: 3 }))
    await addNote(bench.app.db, 'h')
    await bench.run()
    for (const table of ['sync_runs', 'classification_revisions', 'override_notes']) {
      await sql`alter table ${sql.table(`identifai.${table}`)} add column later text`.execute(bench.app.db)
    }
    expect((await verifyChain(bench.app.db)).findings).toEqual([])
  })

  it('protects sealed runs, leaves and timestamps from changes', async () => {
    await using bench = await createTestApp()
    await bench.load({ count: 3 })
    for (const statement of [
      'update identifai.sync_runs set changed = 0',
      'delete from identifai.sync_runs',
      'truncate identifai.sync_runs',
      "update identifai.chain_leaves set leaf_hash = repeat('0', 64)",
      'delete from identifai.chain_leaves',
      'truncate identifai.chain_leaves',
      "update identifai.chain_timestamps set token = ''",
      'delete from identifai.chain_timestamps',
      'truncate identifai.chain_timestamps',
    ]) {
      await expect(sql.raw(statement).execute(bench.app.db)).rejects.toMatchObject({ code: '23001' })
    }
  })
})
