import { generateKeyPairSync } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyChain, verifySnapshot } from '../../../../src/compliance/verify/verify-chain.ts'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { retire } from '../../../../src/pipeline/queue/retire.ts'
import { addNote } from '../../../support/add-note.ts'
import { sealHistory, writeRevisions } from '../../../support/seal-history.ts'
import { closeRun, newRun, openRun } from '../../../../src/pipeline/run/run-rows.ts'
import { benchAgainst } from '../../../support/bench-against.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'
import { endsOrWaits } from '../../../support/waits.ts'

/** Four runs: first records, two overrides of files, no change. Notes before the third and the fourth, which seals an action. */
async function benchWithHistory(): Promise<TestApp> {
  const bench = await createTestApp({ world: { seed: 29 } })
  const { world } = bench.simulator
  const identifiers = await bench.load({ count: 60 })
  for (const position of [10, 20]) {
    world.override(world.hashOf(identifiers[position] as string) as string, 'human')
    await bench.run({ refreshAll: true })
    await addNote(bench.app.db, 'h')
  }
  await retire(bench.app.db, argumentEntries([identifiers[50] as string]), { reason: 'erasure request' })
  await bench.run({ refreshAll: true })
  return bench
}

describe('verifying the chain', () => {
  let bench: TestApp
  beforeAll(async () => {
    bench = await benchWithHistory()
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  const verify = (head?: string) => verifyChain(bench.app.db, { head })

  /** Runs statements as a superuser without triggers could, verifies, and rolls back. */
  async function findingsAfter(...statements: string[]): Promise<string[]> {
    const undone = new Error('undone')
    let findings: string[] = []
    await bench.app.db
      .transaction()
      .execute(async (trx) => {
        await sql`set local session_replication_role = replica`.execute(trx)
        for (const statement of statements) await sql.raw(statement).execute(trx)
        const report = await verifySnapshot(trx)
        findings = report.findings.map(({ what, problem }) => `${what} ${problem}`)
        throw undone
      })
      .catch((error: unknown) => {
        if (error !== undone) throw error
      })
    return findings
  }

  it('has no findings in an untouched history', async () => {
    const report = await verify()
    expect(report).toMatchObject({ runs: 4, notes: 2, actions: 1, payloads_not_checked: 0, findings: [] })
    expect(report.revisions).toBeGreaterThan(60)
    expect(report.payloads_checked).toBe(report.revisions)
    expect(report.given_head_at).toBeNull()
    expect(await verify(report.chain_head ?? '')).toMatchObject({ given_head_at: 4, findings: [] })
    expect(await verify('0'.repeat(64))).toMatchObject({
      given_head_at: null,
      findings: [{ problem: 'is not in the chain' }],
    })
  })

  it('names the runs that no signature covers, and signatures that do not fit', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const pem = String(privateKey.export({ format: 'pem', type: 'pkcs8' }))
    await using signing = await createTestApp({ world: { seed: 31 }, environment: { SEAL_SIGNING_KEY: pem } })
    const { db } = signing.app
    const verified = async () => {
      const { signed_through, findings } = await verifyChain(db, { key: publicKey })
      return [signed_through, findings.map(({ what, problem }) => `${what} ${problem}`)]
    }
    const unsigned = (position: number) =>
      `the chain from position ${position} on has no head that was signed with the given key`
    await signing.load({ count: 2 })
    await signing.run()
    expect(await verified()).toEqual([2, []])
    const other = await verifyChain(db, { key: generateKeyPairSync('ed25519').publicKey })
    expect(other).toMatchObject({ signed_through: 0, findings: [{ chain_position: 1 }] })
    await sealHistory(db, [])
    expect(await verified()).toEqual([2, [unsigned(3)]])
    await sql`alter table identifai.sync_runs disable trigger sync_runs_sealed`.execute(db)
    await sql`update identifai.sync_runs set chain_signature = null where chain_position = 2`.execute(db)
    expect(await verified()).toEqual([1, [unsigned(2)]])
    await sql`update identifai.sync_runs set chain_signature = 'x' || chain_signature`.execute(db)
    expect(await verified()).toEqual([0, [unsigned(1)]])
    expect((await verifyChain(db)).signed_through).toBeNull()
  })

  it.each([
    [
      'an altered revision',
      "update identifai.classification_revisions set force_classification = 'artificial' where classification_id = 5",
      /^revision 1 of classification 5 differs from its sealed form, because it was altered$/,
    ],
    [
      'a moved time',
      "update identifai.classification_revisions set observed_at = ((observed_at at time zone 'UTC') - interval '1 microsecond') at time zone 'UTC' where classification_id = 6 and revision_no = 1",
      /^revision 1 of classification 6 .* altered$/,
    ],
    [
      'a deleted revision',
      'delete from identifai.classification_revisions where classification_id = 7',
      /^revision 1 of classification 7 was sealed, but is missing$/,
    ],
    [
      'an inserted revision',
      `create temporary table copy on commit drop as
         select * from identifai.classification_revisions where classification_id = 8 and revision_no = 1;
       update copy set revision_no = 99;
       insert into identifai.classification_revisions select * from copy`,
      /^revision 99 of classification 8 was not sealed, because it was inserted$/,
    ],
    [
      'a revision of a run that does not exist',
      `create temporary table copy on commit drop as
         select * from identifai.classification_revisions where classification_id = 8 and revision_no = 1;
       update copy set revision_no = 99, run_id = gen_random_uuid();
       insert into identifai.classification_revisions select * from copy`,
      /^revision 99 of classification 8 belongs to run [0-9a-f-]{36}, which was never sealed\. Either it was inserted, or its run was removed$/,
    ],
    [
      'an altered run',
      'update identifai.sync_runs set force_changes = 0 where chain_position = 2',
      /^run [0-9a-f-]{36} differs from its sealed form, because it was altered$/,
    ],
    [
      'an altered hash of a run',
      "update identifai.sync_runs set chain_nodes[1] = repeat('a', 64) where chain_position = 2",
      /^run [0-9a-f-]{36} has a head that does not follow from the runs up to it\./,
    ],
    [
      'an altered hash of several runs',
      "update identifai.sync_runs set chain_nodes[2] = repeat('a', 64) where chain_position = 2",
      /^run [0-9a-f-]{36} has a head that does not follow from the runs up to it\./,
    ],
    [
      'an altered head',
      "update identifai.sync_runs set chain_head = repeat('a', 64) where chain_position = 3",
      /^run [0-9a-f-]{36} has a head that does not follow from the runs up to it\./,
    ],
    [
      'two runs in another order',
      `update identifai.sync_runs set chain_position = 99 where chain_position = 2;
       update identifai.sync_runs set chain_position = 2 where chain_position = 3;
       update identifai.sync_runs set chain_position = 3 where chain_position = 99`,
      /^run [0-9a-f-]{36} has a head that does not follow from the runs up to it\./,
    ],
    [
      'another number of leaves',
      'update identifai.sync_runs set leaf_count = leaf_count + 1 where chain_position = 2',
      /^run [0-9a-f-]{36} has leaves that do not give its root, because they were altered$/,
    ],
    [
      'a deleted run',
      'delete from identifai.sync_runs where chain_position = 4',
      /^the run at position 4 has leaves but no row, because it was removed$/,
    ],
    [
      'a run deleted in the middle',
      'delete from identifai.sync_runs where chain_position = 3',
      /^the run at position 3 is missing$/,
    ],
    [
      'an inserted run',
      `insert into identifai.sync_runs (run_id, trigger, status, finished_at, host, pid, version, chain_position, merkle_root, chain_head, notes_through)
       select gen_random_uuid(), 'manual', 'succeeded', now(), 'h', 1, '0', 5, merkle_root, chain_head, notes_through
       from identifai.sync_runs where chain_position = 4`,
      /^run [0-9a-f-]{36} has a head that does not follow from the runs up to it\./,
    ],
    [
      'a run inserted before the first position',
      `insert into identifai.sync_runs (run_id, trigger, status, finished_at, host, pid, version, chain_position, merkle_root, chain_head, notes_through)
       select gen_random_uuid(), 'manual', 'succeeded', now(), 'h', 1, '0', -1, merkle_root, chain_head, 0
       from identifai.sync_runs where chain_position = 4`,
      /^the run at position 0 is missing$/,
    ],
    [
      'an altered note',
      "update identifai.override_notes set author = 'B' where note_id = 1",
      /^note 1 differs from its sealed form/,
    ],
    [
      'a deleted note',
      'delete from identifai.override_notes where note_id = 2',
      /^note 2 was sealed, but is missing$/,
    ],
    [
      'an inserted note',
      `insert into identifai.override_notes (note_id, file_hash, forced_to, author, reason) overriding system value
       values (-5, 'h', 'human', 'A', 'r')`,
      /^note -5 was not sealed, because it was inserted$/,
    ],
    [
      'a payload with another white space',
      `update identifai.revision_payloads set payload = replace(payload::text, '{', '{ ')::json where classification_id = 9 and revision_no = 1`,
      /^payload of revision 1 of classification 9 differs from the sealed commitment, because it was altered$/,
    ],
    [
      'a payload made null',
      "update identifai.revision_payloads set payload = 'null' where classification_id = 9 and revision_no = 1",
      /^payload of revision 1 of classification 9 differs from the sealed commitment, because it was altered$/,
    ],
    [
      'a payload that no response could contain',
      `update identifai.revision_payloads set payload = '{"verdicts": 5}' where classification_id = 9 and revision_no = 1`,
      /^payload of revision 1 of classification 9 differs from the sealed commitment, because it was altered$/,
    ],
    [
      'a latest payload that is gone',
      'delete from identifai.revision_payloads where classification_id = 9',
      /^payload of revision 1 of classification 9 is missing, although prune never deletes it, so it was deleted manually$/,
    ],
    [
      'an altered name',
      "update identifai.personal_values set name = 'x' where classification_id = 9 and revision_no = 1",
      /^personal values of revision 1 of classification 9 differ from the sealed commitment, because they were altered$/,
    ],
    [
      'a removed source',
      'update identifai.personal_values set ref_id = null where classification_id = 9 and revision_no = 1',
      /^personal values of revision 1 of classification 9 differ from the sealed commitment/,
    ],
    [
      'an altered salt',
      "update identifai.personal_values set salt = repeat('a', 64) where classification_id = 9 and revision_no = 1",
      /^personal values of revision 1 of classification 9 differ from the sealed commitment/,
    ],
    [
      'personal values deleted without a redaction',
      'delete from identifai.personal_values where classification_id = 9',
      /^personal values of revision 1 of classification 9 are missing, although no redaction was recorded, so they were deleted manually$/,
    ],
    [
      'an altered action',
      "update identifai.actions set reason = 'B' where action_id = 1",
      /^action 1 differs from its sealed form/,
    ],
    [
      'a deleted action',
      'delete from identifai.actions where action_id = 1',
      /^action 1 was sealed, but is missing$/,
    ],
    [
      'an inserted action',
      "insert into identifai.actions (action_id, kind, identifiers, database_role) overriding system value values (-1, 'retire', 1, 'x')",
      /^action -1 was not sealed, because it was inserted$/,
    ],
    [
      'NaN for a number',
      "update identifai.classification_revisions set machine_confidence = 'NaN' where classification_id = 9 and revision_no = 1",
      /^revision 1 of classification 9 differs from its sealed form/,
    ],
    [
      'a revision inserted before all keys',
      `create temporary table copy on commit drop as
         select * from identifai.classification_revisions where classification_id = 8 and revision_no = 1;
       update copy set classification_id = -1;
       insert into identifai.classification_revisions select * from copy`,
      /^revision 1 of classification -1 was not sealed, because it was inserted$/,
    ],
    [
      'an altered leaf',
      "update identifai.chain_leaves set leaf_hash = repeat('a', 64) where classification_id = 10",
      /^run [0-9a-f-]{36} has leaves that do not give its root, because they were altered$/,
    ],
  ])('names %s', async (_, statement, expected) => {
    const findings = await findingsAfter(statement)
    expect(findings.filter((finding) => expected.test(finding))).toHaveLength(1)
  })
})

it('reads one snapshot, although rows are removed meanwhile', async () => {
  await using bench = await createTestApp({ world: { seed: 31 } })
  const { db } = bench.app
  await bench.load({ count: 3 })
  let verified: ReturnType<typeof verifyChain> | undefined
  await bench.database.db.transaction().execute(async (trx) => {
    // The verification reads the notes before the personal values.
    await sql`lock table identifai.override_notes in access exclusive mode`.execute(trx)
    verified = verifyChain(db)
    await endsOrWaits(db, verified)
    await sql`delete from identifai.personal_values`.execute(trx)
  })
  expect(await verified).toMatchObject({ personal_values_checked: 3, findings: [] })
  expect(await verifyChain(db)).toMatchObject({ personal_values_checked: 0 })
})

it('a run in progress is counted, and its revisions are no findings', async () => {
  await using bench = await createTestApp({ world: { seed: 31 } })
  const { db } = bench.app
  await bench.load({ count: 3 })
  const run = newRun('manual')
  await openRun(db, run)
  await writeRevisions(db, run.runId, [
    { classification_id: 1, revision_no: 2, observed_at: new Date(), causes: ['scores_changed'] },
  ])
  expect(await verifyChain(db)).toMatchObject({ open_runs: 1, findings: [] })
})

it('verifying counts the labels that are forced now again', async () => {
  await using bench = await createTestApp({ world: { seed: 32 } })
  const { db } = bench.app
  await bench.load({ count: 5, outcome: 'done' })
  const [last] = (await bench.app.db.selectFrom('identifai.sync_runs').select('forced_now').execute()) as [
    { forced_now: unknown },
  ]
  await sql`alter table identifai.sync_runs disable trigger sync_runs_sealed`.execute(db)
  const alter = (value: unknown) =>
    sql`update identifai.sync_runs set forced_now = ${JSON.stringify(value)} where chain_position = 1`.execute(
      db,
    )
  // The next run continues from an altered count, which is restored afterwards, so that every hash is correct.
  await alter([{ media: 'audio', machine: 'human', forced_to: 'human', identifiers: 1 }])
  await sealHistory(db, [])
  await alter(last.forced_now)
  expect((await verifyChain(db)).findings).toMatchObject([
    {
      chain_position: 2,
      problem: 'has other counts of forced labels (forced_now) than the revisions up to it give',
    },
  ])
})

it('verifying counts an identifier that is analyzed again by its latest finished record', async () => {
  await using bench = await createTestApp({ world: { seed: 33 } })
  const { world } = bench.simulator
  const [identifier] = (await bench.load({ count: 1, outcome: 'done' })) as [string]
  world.override(bench.hashOf(identifier), 'human')
  await bench.run({ refreshAll: true })
  world.reanalyze(identifier, 1)
  const { reanalyzing_count, forced_now } = await bench.run({ refreshAll: true })
  expect([reanalyzing_count, forced_now]).toMatchObject([1, [{ forced_to: 'human', identifiers: 1 }]])
  expect((await verifyChain(bench.app.db)).findings).toEqual([])
})

it('verifying counts no label that only an unfinished record has', async () => {
  let record: object = { identifier: 'a', status: 'done' }
  await using bench = await benchAgainst(() => [record])
  await bench.enqueue(['a'])
  await bench.run()
  record = { identifier: 'a', status: 'new', force_classification: 'human' }
  expect(await bench.run({ refreshAll: true })).toMatchObject({
    changed: 1,
    forced_now: [{ forced_to: null, identifiers: 1 }],
  })
  expect((await verifyChain(bench.app.db)).findings).toEqual([])
})

describe('verifying rows that were sealed with an impossible time', () => {
  it('names a revision, a note and an action that were backdated manually, and no replayed one', async () => {
    await using bench = await createTestApp({ world: { seed: 30 } })
    const { db } = bench.app
    await bench.load({ count: 3 })
    const backdated = {
      classification_id: 1,
      observed_at: new Date('2026-08-02'),
      causes: ['forced' as const],
    }
    await sealHistory(db, [{ ...backdated, revision_no: 2 }])
    await sql`alter table identifai.override_notes disable trigger override_notes_stamp`.execute(db)
    await sql`insert into identifai.override_notes (file_hash, forced_to, author, reason, noted_at)
      values ('h', 'human', 'A', 'r', '2026-08-03')`.execute(db)
    await sql`alter table identifai.actions disable trigger actions_stamp`.execute(db)
    await sql`insert into identifai.actions (kind, identifiers, acted_at) values ('prune', 1, '2026-08-03')`.execute(
      db,
    )
    const run = newRun('manual')
    await openRun(db, run)
    await sql`update identifai.sync_runs set requests = 1 where run_id = ${run.runId}`.execute(db)
    await writeRevisions(db, run.runId, [{ ...backdated, revision_no: 3 }])
    await closeRun(db, run.runId, { status: 'interrupted', error: null })
    const { findings } = await verifyChain(db)
    expect(findings.filter(({ problem }) => /written manually/.test(problem))).toMatchObject([
      { chain_position: 3, what: 'revision 3 of classification 1' },
      { chain_position: 3, what: 'note 1' },
      { chain_position: 3, what: 'action 1' },
    ])
  })
})
