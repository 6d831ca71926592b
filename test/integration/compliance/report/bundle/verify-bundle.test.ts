import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleLines } from '../../../../../src/compliance/report/read/bundle-lines.ts'
import { dataDigest } from '../../../../../src/compliance/report/make-report.ts'
import { jsonText } from '../../../../../src/compliance/report/format/format-report.ts'
import { readReport } from '../../../../../src/compliance/report/read/read-report.ts'
import type { Report } from '../../../../../src/compliance/report/schema.ts'
import { verifyFile } from '../../../../../src/compliance/report/read/verify-file.ts'
import { closeRun, newRun, openRun } from '../../../../../src/pipeline/run/run-rows.ts'
import { sealHistory, writeRevisions } from '../../../../support/seal-history.ts'
import { FORGERIES } from '../../../../support/forgeries.ts'
import { addNote } from '../../../../support/add-note.ts'
import { buildGoVerifier, HAS_GO, verifierKey } from '../../../../support/go-verifier.ts'
import { closed, isLeaf, type Line, leafOf, opened, runOf } from '../../../../support/open-bundle.ts'
import { HAS_PYTHON, startPython } from '../../../../support/python-verifiers.ts'
import { createTestApp, type TestApp } from '../../../../support/test-app.ts'
import { createTestDatabase } from '../../../../support/test-database.ts'

const KEY = generateKeyPairSync('ed25519')

/**
 * First records, two overrides with a new analysis between, and a third file that is forced one way, the other, and back. A
 * note on each of the first two, and a correction of the first note after the second.
 */
async function benchWithHistory(): Promise<TestApp> {
  const bench = await createTestApp({
    world: { seed: 61 },
    environment: { SEAL_SIGNING_KEY: String(KEY.privateKey.export({ format: 'pem', type: 'pkcs8' })) },
  })
  const { world } = bench.simulator
  const identifiers = await bench.load({ count: 60, outcome: 'done' })
  const [one, other] = [12, 25].map((position) => identifiers[position] as string) as [string, string]
  world.override(world.hashOf(one) as string, 'human')
  await bench.run({ refreshAll: true })
  await addNote(bench.app.db, world.hashOf(one) as string)
  // A run without a change, whose only leaf is the note.
  await bench.run({ refreshAll: true })
  // A run without a leaf.
  await bench.run({ refreshAll: true })
  world.reanalyze(other, 1)
  await bench.run({ refreshAll: true })
  world.override(world.hashOf(other) as string, 'human')
  await bench.run({ refreshAll: true })
  await addNote(bench.app.db, world.hashOf(other) as string)
  await addNote(bench.app.db, world.hashOf(one) as string, { corrects: 1, reason: 'identified by voice' })
  const twice = world.hashOf(identifiers[40] as string) as string
  world.override(twice, 'human')
  await bench.run({ refreshAll: true })
  world.override(twice, 'artificial')
  await bench.run({ refreshAll: true })
  world.override(twice, 'human')
  await bench.run({ refreshAll: true })
  return bench
}

/** The verdict of the second verifier where it runs. */
const accepted = HAS_PYTHON ? { code: 0, output: expect.any(String) } : undefined
const refusedWith = (finding: RegExp) =>
  HAS_PYTHON ? { code: 6, output: expect.stringMatching(finding) } : undefined

describe('a bundle', () => {
  let bench: TestApp
  let report: Report
  let lines: string[]
  let folder: string
  let interpreter: ReturnType<typeof startPython> | undefined

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'identifai bundle '))
    if (HAS_PYTHON) interpreter = startPython()
    bench = await benchWithHistory()
    report = await readReport(bench.app.db, { media: 'audio', from: null, to: null, asOf: null })
    lines = []
    for await (const line of bundleLines(bench.app.db, report, await keptHeads())) lines.push(line)
  })
  afterAll(async () => {
    interpreter?.[Symbol.dispose]()
    rmSync(folder, { recursive: true })
    await bench[Symbol.asyncDispose]()
  })

  async function keptHeads(): Promise<string[]> {
    const { rows } = await sql<{ chain_head: string }>`
      select chain_head from identifai.sync_runs order by chain_position`.execute(bench.app.db)
    return rows.map(({ chain_head }) => chain_head)
  }

  function write(text: string): string {
    const file = path.join(folder, 'b.jsonl')
    writeFileSync(file, text)
    return file
  }

  /** The findings of the product in a file, and the verdict of the second verifier. */
  async function verdicts(file: string, head?: string, key?: KeyObject) {
    const { findings } = await verifyFile(file, { head, key })
    const python = await interpreter?.verify('verify_bundle.py', file, ...(head ? [head] : []))
    return { findings: findings.map(({ what, problem }) => `${what} ${problem}`), python }
  }

  /** The verdict of the second verifier on a JSON report. */
  function verifyConclusions(text: Iterable<string>) {
    const file = path.join(folder, 'r.json')
    writeFileSync(file, [...text].join(''))
    return interpreter?.verify('verify_report.py', file)
  }

  /** Verdicts on the bundle with changed lines. The digest of the report is made to fit, as a forger would do it. */
  async function forge(change: (lines: Line[], report: Line) => unknown, options = { forgesDigest: true }) {
    const copy = opened(lines)
    const forged = copy[0].data
    change(copy, forged)
    const forgedDigest = options.forgesDigest ? dataDigest(copy[0].data) : copy[0].data_digest
    copy[0].data_digest = forgedDigest
    return verdicts(write(closed(copy).join('')))
  }

  it('proves itself to the product and to a verifier that shares nothing with it', async () => {
    expect(report.events.length).toBeGreaterThanOrEqual(2)
    expect(report.summary.period.explained).toBe(2)
    expect(await verdicts(write(lines.join('')))).toEqual({ findings: [], python: accepted })
  })

  it('can be compared with each head of the chain that it was given, and no other', async () => {
    const heads = await keptHeads()
    expect(heads).toHaveLength(9)
    for (const head of heads)
      expect(await verdicts(write(lines.join('')), head)).toEqual({ findings: [], python: accepted })
    const other = await verdicts(write(lines.join('')), 'a'.repeat(64))
    expect(other).toMatchObject({
      findings: [expect.stringMatching(/has no proof for it/)],
      python: refusedWith(/^head a{64} has no proof/m),
    })
    const without = await Array.fromAsync(bundleLines(bench.app.db, report, []))
    const [first, last] = [heads[0], heads.at(-1)]
    expect(await verdicts(write(without.join('')), last)).toEqual({ findings: [], python: accepted })
    expect(await verdicts(write(without.join('')), first)).toMatchObject({
      findings: [expect.stringMatching(/has no proof for it/)],
      python: refusedWith(/^head [0-9a-f]{64} has no proof/m),
    })
    await expect(Array.fromAsync(bundleLines(bench.app.db, report, ['a'.repeat(64)]))).rejects.toThrow(
      /^The head a{64} is not in the chain of this database\./,
    )
  })

  it('has a checkpoint that is signed with the key of the runs', async () => {
    const [line] = opened(lines)
    const { size, root } = { size: 9, root: Buffer.from((await keptHeads()).at(-1) ?? '', 'hex') }
    expect(line.checkpoint.split('\n')).toEqual([
      expect.stringMatching(/^identifai-sync\/[0-9a-f-]{36}$/),
      String(size),
      root.toString('base64'),
      '',
      expect.stringMatching(/^— identifai-sync\/[0-9a-f-]{36} [A-Za-z0-9+/]{91}=$/),
      '',
    ])
    const file = write(lines.join(''))
    expect(await verifyFile(file, { key: KEY.publicKey })).toMatchObject({ is_signed: true, findings: [] })
    // Nothing is known about the signature without a key.
    expect(await verifyFile(file, {})).toMatchObject({ is_signed: null, findings: [] })
    expect(await verifyFile(file, { key: generateKeyPairSync('ed25519').publicKey })).toMatchObject({
      is_signed: false,
      findings: [{ what: 'the checkpoint', problem: 'is not signed with the given key' }],
    })
    const forged = [
      JSON.stringify({ ...JSON.parse(lines[0] ?? ''), checkpoint: line.checkpoint.replace(/\n— .*\n$/, '') }),
    ]
    expect(
      await verifyFile(write([...forged, ...lines.slice(1)].join('\n')), { key: KEY.publicKey }),
    ).toMatchObject({
      is_signed: false,
      findings: [{ problem: 'is not signed with the given key' }],
    })
  })

  it('of an earlier as-of can be compared with later heads', async () => {
    const { rows } = await sql<{ finished_at: string }>`
      select finished_at::text from identifai.sync_runs where chain_position = 3`.execute(bench.app.db)
    const asOf = rows[0]?.finished_at ?? ''
    const earlier = await readReport(bench.app.db, { media: 'audio', from: null, to: null, asOf })
    expect(earlier.head.as_of.chain_position).toBe(3)
    const heads = await keptHeads()
    const texts = await Array.fromAsync(bundleLines(bench.app.db, earlier, heads))
    for (const head of heads)
      expect(await verdicts(write(texts.join('')), head)).toEqual({ findings: [], python: accepted })
  })

  it.runIf(HAS_PYTHON)(
    'proves itself for any period that cuts through an event, and its report follows from its lists',
    async () => {
      const times = report.events.flatMap(({ not_before, not_after }) => [not_before, not_after])
      const cuts = [...new Set(times.filter((time) => time !== null))].toSorted()
      const periods = [
        { from: null, to: null },
        { from: null, to: null, timeZone: 'Asia/Kathmandu' },
        ...cuts.slice(1).map((to, n) => ({ from: cuts[n] as string, to })),
      ]
      const observed = new Set<string>()
      for (const period of periods) {
        const cut = await readReport(bench.app.db, { media: 'audio', asOf: null, ...period })
        for (const { in_period } of cut.events) observed.add(in_period)
        const texts = await Array.fromAsync(bundleLines(bench.app.db, cut, []))
        expect(await verdicts(write(texts.join('')))).toEqual({ findings: [], python: accepted })
        expect(await verifyConclusions(jsonText(cut))).toMatchObject({ code: 0 })
      }
      expect(observed).toEqual(new Set(['certainly', 'possibly', 'no']))
      expect(await verifyConclusions(jsonText({ ...report, decisions: [] }))).toEqual(
        refusedWith(/^malformed: KeyError/m),
      )
      expect(await verifyConclusions('{}')).toEqual(
        refusedWith(/^malformed: ValueError\('it has other keys/m),
      )
    },
  )

  it('has the revisions of each event, from the finished one before to its own, the notes, and their runs', () => {
    const parsed = opened(lines)
    // Without the fourth, which has no leaf, and is not the run before one with a note.
    expect(parsed.flatMap(({ run }) => run?.chain_position ?? [])).toEqual([1, 2, 3, 5, 6, 7, 8, 9])
    const revisions = parsed.flatMap(({ leaf }) =>
      leaf?.row.revision_no ? [`${leaf.row.classification_id} ${leaf.row.revision_no}`] : [],
    )
    const expected = report.events.flatMap(({ classification_id, revision_no, revision_no_before }) =>
      Array.from(
        { length: revision_no - revision_no_before + 1 },
        (_, n) => `${classification_id} ${revision_no_before + n}`,
      ),
    )
    expect(revisions.toSorted()).toEqual([...new Set(expected)].toSorted())
    expect(report.events.some((event) => event.revision_no - event.revision_no_before > 1)).toBe(true)
    expect(parsed.flatMap(({ leaf }) => leaf?.row.note_id ?? [])).toEqual([1, 2, 3])
  })

  it.runIf(HAS_GO)(
    'has proofs that the library of the checksum database of Go accepts, and no others',
    () => {
      using verifier = buildGoVerifier()
      const counts = opened(lines).reduce(
        (sum, { run, leaf, kept }) => {
          return [sum[0] + Number(!!run), sum[1] + Number(!!leaf), sum[2] + Number(!!kept)]
        },
        [0, 0, 0],
      )
      const name = verifierKey(opened(lines)[0].checkpoint.split('\n')[0], KEY.publicKey)
      expect(verifier.verify(lines.join(''), name)).toEqual({
        code: 0,
        output: `${counts[0]} runs, ${counts[1]} leaves, ${counts[2]} kept heads\n`,
      })
      const forgeries: ((all: Line[]) => unknown)[] = [
        (all) => (all[0].checkpoint = all[0].checkpoint.replace('\n9\n', '\n8\n')),
        (all) => (runOf(all, 2).row.host = 'x'),
        (all) => leafOf(all, 'note_id').proof.push('a'.repeat(64)),
        (all) => (all.at(-2).kept.proof[0] = 'a'.repeat(64)),
      ]
      for (const forgery of forgeries) {
        const copy = opened(lines)
        forgery(copy)
        expect(verifier.verify(closed(copy).join(''), name)).toMatchObject({
          code: 1,
          output: expect.stringContaining('invalid'),
        })
      }
    },
  )

  it('detects a digest that does not fit its data', async () => {
    const found = await forge((_, forged) => (forged.summary.now.forced = 0), { forgesDigest: false })
    expect(found.findings).toContainEqual(expect.stringMatching(/^data_digest does not match/))
    expect(found.python).toEqual(refusedWith(/^the data digest is another/m))
  })

  it.each(FORGERIES)('detects %s', async (_, change, product, inPython) => {
    const { findings, python } = await forge((all, forged) => change(all, forged))
    expect(findings).toContainEqual(expect.stringMatching(product))
    expect(findings.filter((found) => found.includes('cannot be made again from'))).toEqual([])
    expect(python).toEqual(refusedWith(inPython))
  })

  it.each([
    ['skips a finished record between', 2, (revision: Line) => revision.revision_no === 1],
    ['is an unfinished one', 1, (revision: Line) => revision.status === 'new'],
  ])('detects an event compared with a proved revision that %s', async (_, revisions, isFalse) => {
    const event = report.events.findLast(
      (one) =>
        one.revision_no - one.revision_no_before === (revisions === 2 ? 1 : 2) && one.revision_no === 3,
    )
    if (!event) throw new Error('no such event')
    // Proofs for all of its revisions, as an operator could have them.
    const texts: string[] = []
    const claimed = { ...report, events: [{ ...event, revision_no_before: 1 }] }
    for await (const line of bundleLines(bench.app.db, claimed, [])) texts.push(line)
    const proofs = opened(texts).filter(isLeaf('revision_no'))
    const before = proofs.map(({ leaf }) => leaf.row).find(isFalse)
    const { findings, python } = await forge((all, forged) => {
      for (const line of proofs) {
        all.splice(all.findIndex(({ run }) => run?.chain_position === line.leaf.chain_position) + 1, 0, line)
      }
      const listed = forged.events.find(
        (one: Line) => one.classification_id === event.classification_id && one.revision_no === 3,
      )
      Object.assign(listed, {
        revision_no_before: before.revision_no,
        forced_from: before.force_classification ?? null,
        machine_classification_before: before.machine_classification ?? null,
        machine_confidence_before: before.machine_confidence ?? null,
        machine_heuristic_before: before.machine_heuristic ?? null,
      })
    })
    expect(findings).toContainEqual(expect.stringMatching(/^the event at revision 3 .* has no proof$/))
    expect(python).toEqual(refusedWith(/an event is not compared with the finished record before it/))
  })

  it('is not made from rows that are not as they were sealed', async () => {
    const [event] = report.events
    const undone = new Error('undone')
    await bench.app.db
      .transaction()
      .execute(async (trx) => {
        await sql`set local session_replication_role = replica`.execute(trx)
        await sql`update identifai.classification_revisions set force_classification = 'artificial'
          where classification_id = ${event?.classification_id} and revision_no = ${event?.revision_no}`.execute(
          trx,
        )
        await expect(Array.fromAsync(bundleLines(trx, report, []))).rejects.toThrow(
          /^There is no proof, because revision \d+ of classification \d+ differs from its sealed form\. .*report verify/,
        )
        throw undone
      })
      .catch((error: unknown) => {
        if (error !== undone) throw error
      })
  })

  it('detects an event that was backdated manually, although it was sealed', async () => {
    await using other = await createTestApp({ world: { seed: 62 } })
    const { db } = other.app
    await other.load({ count: 3, outcome: 'done' })
    const run = newRun('manual')
    await openRun(db, run)
    await sql`update identifai.sync_runs set requests = 1 where run_id = ${run.runId}`.execute(db)
    const causes = ['forced' as const]
    const described = { classification_id: 1, revision_no: 2, observed_at: new Date('2026-08-02'), causes }
    await writeRevisions(db, run.runId, [{ ...described, force_classification: 'human' }])
    await closeRun(db, run.runId, { status: 'interrupted', error: null })
    const made = await readReport(db, { media: 'audio', from: null, to: null, asOf: null })
    const texts = await Array.fromAsync(bundleLines(db, made, []))
    const { findings, python } = await verdicts(write(texts.join('')))
    expect(findings).toMatchObject([
      expect.stringMatching(/^revision 2 of classification 1 has the time 2026-08-02.* written manually/),
    ])
    expect(python).toEqual(refusedWith(/^\(1, 2\) has a time outside its run/m))
  })

  it('of more events than one query reads has its leaves in their order', async () => {
    await using other = await createTestDatabase()
    const { db } = other
    const ids = Array.from({ length: 1100 }, (_, index) => index + 1)
    const [first, second, third] = [1, 2, 3].map((day) => new Date(Date.UTC(2026, 5, day))) as [
      Date,
      Date,
      Date,
    ]
    const described = (classification_id: number, revision_no: number, observed_at: Date) => ({
      classification_id,
      revision_no,
      observed_at,
      causes: [revision_no === 1 ? ('first_seen' as const) : ('forced' as const)],
      ...(revision_no > 1 && { force_classification: 'human', previous_confirmed_at: first }),
    })
    await sealHistory(
      db,
      ids.map((id) => described(id, 1, first)),
    )
    // The events of the later half come first, so that a query reads revisions from between those of another one.
    const [earlier, later] = [ids.slice(0, 550), ids.slice(550)]
    await sealHistory(
      db,
      later.map((id) => described(id, 2, second)),
    )
    await sealHistory(
      db,
      earlier.map((id) => described(id, 2, third)),
    )
    const made = await readReport(db, { media: 'audio', from: null, to: null, asOf: null })
    expect(made.events).toHaveLength(1100)
    const texts = await Array.fromAsync(bundleLines(db, made, []))
    const { findings, python } = await verdicts(write(texts.join('')))
    expect(findings).toEqual([])
    expect(python).toEqual(accepted)
  })

  it('can also be a JSON report, which shows that it is as it was made', async () => {
    const file = path.join(folder, 'r.json')
    writeFileSync(file, [...jsonText(report)].join(''))
    expect(await verifyFile(file, {})).toMatchObject({
      file: 'report',
      events: report.events.length,
      findings: [],
    })
    writeFileSync(file, [...jsonText({ ...report, events: [] })].join(''))
    const { findings } = await verifyFile(file, {})
    expect(findings.map(({ what }) => what)).toContain('data_digest')
    const { period } = report.head
    const elsewhere = { ...report.head, period: { ...period, time_zone: 'Mars/Olympus' } }
    writeFileSync(file, [...jsonText({ ...report, head: elsewhere })].join(''))
    expect((await verifyFile(file, {})).findings).toContainEqual(
      expect.objectContaining({ what: 'head.period.time_zone' }),
    )
    for (const given of [{ head: 'a'.repeat(64) }, { key: KEY.publicKey }]) {
      await expect(verifyFile(file, given)).rejects.toThrow(
        /--head and --key apply to a bundle or the database only.* Leave them out/,
      )
    }
  })

  it('is refused with bytes that are not UTF-8, even where nothing is hashed', async () => {
    const file = write(lines.join(''))
    writeFileSync(
      file,
      Buffer.from(lines.join('').replace('identifai-sync ', 'identifai\xFFsync '), 'latin1'),
    )
    await expect(verifyFile(file, {})).rejects.toThrow(/b\.jsonl cannot be read \(.*utf-8/)
    expect(await interpreter?.verify('verify_bundle.py', file)).toEqual(refusedWith(/UnicodeDecodeError/))
  })

  it.each([
    ['nothing', ''],
    ['something else', 'identifier\n1\n'],
    ['other JSON', '{"events": []}'],
  ])('is distinguished from %s', async (_, text) => {
    await expect(verifyFile(write(text), {})).rejects.toMatchObject({ name: 'UsageError' })
  })

  it('names the file that cannot be read', async () => {
    await expect(verifyFile(path.join(folder, 'none'), {})).rejects.toThrow(
      /none cannot be read \(ENOENT.* Give a bundle or a JSON report/,
    )
    await expect(verifyFile(folder, {})).rejects.toThrow(/cannot be read \(EISDIR/)
  })
})
