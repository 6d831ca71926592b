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
import { writeRevisions } from '../../../../support/seal-history.ts'
import { addNote } from '../../../../support/add-note.ts'
import { buildGoVerifier, HAS_GO, verifierKey } from '../../../../support/go-verifier.ts'
import { closed, type Line, opened } from '../../../../support/open-bundle.ts'
import { HAS_PYTHON, startPython } from '../../../../support/python-verifiers.ts'
import { createTestApp, type TestApp } from '../../../../support/test-app.ts'

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

/** Findings of the product. */
const follows = (what: string) =>
  new RegExp(
    `^${what.replaceAll('.', String.raw`\.`)}( \\(.+\\))? does not follow from the rest of the report$`,
  )
const alteredRun = (position: number) =>
  new RegExp(`^run at position ${position} does not belong to the head of the chain`)
const ALTERED_LEAF = /^revision 1 of classification \d+ does not belong to the root of its run/
const PERSONAL_VALUES =
  /^personal values of revision \d of classification \d+ do not match the commitment of an event/
const CHECKPOINT = /^the checkpoint is not the head of the chain that the report states$/
const OTHER_CHAIN = /^head [0-9a-f]{64} is not of the same chain as the report$/

/** Findings of the second verifier. Some of its proofs end with an exception where a part is lacking, or has another form. */
const SEALED_EVENT = /^event of \w+ is not as it was sealed/m
const DECISIONS = /^the decisions do not follow from the events and the notes/m
const SUMMARY = /^the summary does not count the listed events and decisions/m
const FORCED_NOW = /^the labels forced now are not as the last run sealed them/m
const LACKING = /^malformed, or lacks a proof: KeyError\(\(\d+, \d+\)\)/m
const MALFORMED = /^malformed, or lacks a proof: (ValueError|KeyError)/m

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

  const isLeaf = (kind: 'revision_no' | 'note_id') => (line: Line) => line.leaf?.row[kind] !== undefined
  const leafOf = (all: Line[], kind: 'revision_no' | 'note_id') => all.find(isLeaf(kind)).leaf
  const runOf = (all: Line[], position: number) => all.find(({ run }) => run?.chain_position === position).run

  /** Moves a leaf behind the last run, and changes its line. */
  function moveLeaf(all: Line[], kind: 'revision_no' | 'note_id', change: object) {
    const [line] = all.splice(all.findIndex(isLeaf(kind)), 1)
    Object.assign(line.leaf, change)
    all.splice(all.findIndex(({ run }) => run?.chain_position === 9) + 1, 0, line)
  }

  it.each<[string, (lines: Line[], report: Line) => unknown, product: RegExp, python: RegExp]>([
    [
      'an event with another time',
      (_, r) => (r.events[0].not_after = '2026-01-01T00:00:00.000000Z'),
      follows('event 1'),
      SEALED_EVENT,
    ],
    [
      'an event with another lower bound',
      (_, r) => (r.events[0].not_before = '2020-01-01T00:00:00.000000Z'),
      follows('event 1'),
      SEALED_EVENT,
    ],
    [
      'an event of another identifier',
      (_, r) => (r.events[0].identifier = 'x'),
      follows('event 1'),
      SEALED_EVENT,
    ],
    [
      'an event with another label before',
      (_, r) => (r.events[0].forced_from = 'artificial'),
      follows('event 1'),
      /an event is not compared with the finished record before it/,
    ],
    [
      'an event with another confidence',
      (_, r) => (r.events[0].machine_confidence_after = 0.123),
      follows('event 1'),
      SEALED_EVENT,
    ],
    [
      'an event with another confidence before',
      (_, r) => (r.events[0].machine_confidence_before = 0.123),
      follows('event 1'),
      SEALED_EVENT,
    ],
    [
      'an event with another commitment',
      (_, r) => (r.events[0].personal_commitment = 'a'.repeat(64)),
      follows('event 1'),
      SEALED_EVENT,
    ],
    [
      'personal values with another name',
      (all) => (all[0].personal_values[0].name = 'x'),
      PERSONAL_VALUES,
      /^the personal values of .* were altered/m,
    ],
    [
      'personal values without their link',
      (all) => (all[0].personal_values[0].result_url = null),
      PERSONAL_VALUES,
      /^the personal values of .* were altered/m,
    ],
    [
      'personal values with another salt',
      (all) => (all[0].personal_values[0].salt = 'a'.repeat(64)),
      PERSONAL_VALUES,
      /^the personal values of .* were altered/m,
    ],
    [
      'personal values of another revision',
      (all) => (all[0].personal_values[0].revision_no = 1),
      PERSONAL_VALUES,
      /^the personal values of .* were altered/m,
    ],
    [
      'personal values of no event',
      (all) => all[0].personal_values.push({ ...all[0].personal_values[0], classification_id: 9999 }),
      PERSONAL_VALUES,
      /^the personal values of .* were altered/m,
    ],
    [
      'an event with another cause',
      (_, r) => (r.events[0].event = 'unforced'),
      /^the event at revision 2 of classification \d+ has no proof$/,
      SEALED_EVENT,
    ],
    [
      'an event with another origin',
      (_, r) => (r.events[0].force_origin = 'undetermined'),
      follows('event 1'),
      /^events .*have another kind, period, decision or origin/m,
    ],
    [
      'an event with another place in the period',
      (_, r) => (r.events[0].in_period = 'possibly'),
      follows('event 1'),
      /^events .*have another kind, period, decision or origin/m,
    ],
    ['an event in another run', (_, r) => (r.events[0].chain_position = 1), follows('event 1'), SEALED_EVENT],
    [
      'an event that is left out of the list, but not of the summary',
      (_, r) => r.events.pop(),
      follows('summary.period.events'),
      /^the report does not need/m,
    ],
    [
      'an event in another decision',
      (_, r) => (r.events[0].decision = 2),
      follows('event 1'),
      /^events .*have another kind, period, decision or origin/m,
    ],
    [
      'an event that is invented',
      (_, r) => r.events.push({ ...r.events[0], revision_no: 77 }),
      /^the event at revision 77 of classification \d+ has no proof$/,
      LACKING,
    ],
    [
      'a decision later than its events',
      (_, r) => (r.decisions[0].not_after = '2099-01-01T00:00:00.000000Z'),
      follows('decision 1'),
      DECISIONS,
    ],
    [
      'a note by another author',
      (_, r) => (r.decisions[0].notes[0].author = 'B'),
      follows('decision 1'),
      /^note 1 is not as it was sealed/m,
    ],
    [
      'a note with another reason',
      (_, r) => (r.decisions[0].notes[0].reason = 'no'),
      follows('decision 1'),
      /^note 1 is not as it was sealed/m,
    ],
    [
      'a note that is invented',
      (_, r) => r.decisions[0].notes.push({ ...r.decisions[0].notes[0], note_id: 9 }),
      /^note 9 has no proof$/,
      /KeyError\(\('note', 9\)\)/,
    ],
    [
      'a head that claims to be complete',
      (_, r) => (r.head.coverage.is_complete = !r.head.coverage.is_complete),
      follows('head.coverage.is_complete'),
      /^the report is not as complete as its head states/m,
    ],
    [
      'coverage with another count',
      (_, r) => (r.head.coverage.tracked = 1),
      follows('head.coverage.tracked'),
      /^the head of the report is not as the last run sealed it/m,
    ],
    [
      'coverage with another confirmation',
      (_, r) => (r.head.coverage.confirmed_since = '2026-01-01T00:00:00.000000Z'),
      follows('head.coverage.confirmed_since'),
      /^the head of the report is not as the last run sealed it/m,
    ],
    ['another as-of', (_, r) => (r.head.as_of.chain_position = 4), CHECKPOINT, MALFORMED],
    ['another chain head', (_, r) => (r.head.as_of.chain_head = 'a'.repeat(64)), CHECKPOINT, MALFORMED],
    [
      'a leaf with another force',
      (all) => (leafOf(all, 'revision_no').row.force_classification = 'artificial'),
      ALTERED_LEAF,
      /is not under the root of its run/,
    ],
    [
      'a note with another author in its leaf',
      (all) => (leafOf(all, 'note_id').row.author = 'B'),
      /^note 1 does not belong to the root of its run/,
      /^\('note', 1\) is not under the root of its run/m,
    ],
    [
      'a proof of another leaf',
      (all) => (leafOf(all, 'revision_no').leaf_no += 1),
      ALTERED_LEAF,
      /is not under the root of its run/,
    ],
    ['a proof that is cut short', (all) => leafOf(all, 'revision_no').proof.pop(), ALTERED_LEAF, MALFORMED],
    [
      'a tree of another size',
      (all) => (runOf(all, 2).row.leaf_count = 99),
      alteredRun(2),
      /^run 2 is not under the head/m,
    ],
    [
      'another checkpoint',
      (all) => (all[0].checkpoint = all[0].checkpoint.replace('\n9\n', '\n8\n')),
      CHECKPOINT,
      /^the checkpoint is another head/m,
    ],
    [
      'a checkpoint of another form',
      (all) => (all[0].checkpoint += 'x'),
      CHECKPOINT,
      /^the checkpoint is another head/m,
    ],
    ['a kept head at another size', (all) => (all.at(-2).kept.chain_position -= 1), OTHER_CHAIN, MALFORMED],
    ['a kept head without its proof', (all) => all.at(-2).kept.proof.pop(), OTHER_CHAIN, MALFORMED],
    [
      'another kept head',
      (all) => (all.at(-2).kept.chain_head = 'a'.repeat(64)),
      OTHER_CHAIN,
      /^head a{64} is of another chain/m,
    ],
    ['a proof of a run that is cut short', (all) => runOf(all, 2).proof.pop(), alteredRun(2), MALFORMED],
    [
      'a run of another place',
      (all) => (runOf(all, 2).chain_position = 1),
      /^run at position 1 is not in the order of the chain$/,
      /^run 1 is out of order/m,
    ],
    [
      'the run before a note left out',
      (all) =>
        all.splice(
          all.findIndex(({ run }) => run?.chain_position === 2),
          1,
        ),
      /^note 1 cannot be compared with the end of the run before its own/,
      /^\('note', 1\) has a time outside its run/m,
    ],
    [
      'a leaf that is left out',
      (all) => all.splice(all.findIndex(isLeaf('revision_no')), 1),
      /^the event at revision 2 of classification \d+ has no proof$/,
      LACKING,
    ],
    [
      'a note that is left out',
      (all) => all.splice(all.findIndex(isLeaf('note_id')), 1),
      /^note 1 has no proof$/,
      /KeyError\(\('note', 1\)\)/,
    ],
    [
      'a run with another row',
      (all) => (runOf(all, 2).row.force_changes = 0),
      alteredRun(2),
      /^run 2 is not under the head/m,
    ],
    [
      'a run with another root',
      (all) => (runOf(all, 5).row.merkle_root = 'a'.repeat(64)),
      alteredRun(5),
      /^run 5 is not under the head/m,
    ],
    [
      'a run with another position',
      (all) => (runOf(all, 9).chain_position = 10),
      alteredRun(10),
      /KeyError\(9\)/,
    ],
    [
      'a run that is left out',
      (all) =>
        all.splice(
          all.findIndex(({ run }) => run?.chain_position === 5),
          1,
        ),
      /^revision 2 of classification \d+ does not follow its run/,
      /is not under the root of its run/,
    ],
    [
      'the first run left out',
      (all) => all.splice(1, 1),
      /^the checkpoint does not have the name of the chain/,
      /KeyError\(1\)/,
    ],
    [
      'a line that is neither',
      (all) => all.push({}),
      /^line \d+ is neither a run, a leaf nor a kept head$/,
      MALFORMED,
    ],
    [
      'no report',
      (all) => (all[0].data = { events: [] }),
      /^data does not fit docs\/report\.schema\.json$/,
      /it has other keys than report_version/,
    ],
    [
      'a summary with another figure',
      (_, r) => (r.summary.period.unexplained = 9),
      follows('summary.period.unexplained'),
      SUMMARY,
    ],
    [
      'another number of labels that are forced now',
      (_, r) => (r.summary.now.forced -= 1),
      follows('summary.now.forced'),
      FORCED_NOW,
    ],
    [
      'another number of forced labels, and figures that follow from it',
      (_, { summary: { now } }) => {
        const [most] = now.machine_to_forced
        most.identifiers++
        now.forced++
        now.forced_share = now.forced / now.with_result
      },
      follows('summary.now.forced'),
      FORCED_NOW,
    ],
    [
      'forced labels of another run',
      (all) => (runOf(all, 9).row.forced_now[0].identifiers += 1),
      alteredRun(9),
      /KeyError\(9\)/,
    ],
    [
      'another share of forced labels',
      (_, r) => (r.summary.now.forced_share = 0.5),
      follows('summary.now.forced_share'),
      FORCED_NOW,
    ],
    [
      'more labels forced now than it sums up',
      (_, r) => (r.summary.now.machine_to_forced[0].identifiers += 1),
      follows('summary.now.machine_to_forced'),
      FORCED_NOW,
    ],
    [
      'fewer results than forced labels',
      (_, r) => (r.summary.now.with_result = 0),
      follows('summary.now.with_result'),
      FORCED_NOW,
    ],
    [
      'a decision that claims to be unexplained',
      (_, r) => (r.decisions[0].explanation = 'unexplained'),
      follows('decision 1'),
      DECISIONS,
    ],
    [
      'a decision that is late, and counted as late',
      (_, r) => {
        r.decisions[0].explanation = 'explained_late'
        r.summary.period.explained--
        r.summary.period.explained_late++
      },
      follows('decision 1'),
      DECISIONS,
    ],
    [
      'a summary without its weeks',
      (_, r) => (r.summary.period.by_week = []),
      follows('summary.period.by_week'),
      SUMMARY,
    ],
    [
      'a decision that is split in two',
      (_, r) => r.decisions.push({ ...r.decisions[0], decision: 5 }),
      follows('decision 6'),
      DECISIONS,
    ],
    [
      'a note that counts for another decision',
      (_, r) => r.decisions[0].notes.shift(),
      follows('decision 1'),
      /^note 1 is not as it was sealed, or not listed/m,
    ],
    [
      'a correction that is not listed',
      (_, r) => r.decisions[0].notes.pop(),
      follows('decision 1'),
      /^note 3 is not as it was sealed, or not listed/m,
    ],
    [
      'a correction of no note',
      (_, r) => (r.decisions[0].notes[1].corrects = null),
      follows('decision 1'),
      /^note 3 is not as it was sealed, or not listed/m,
    ],
    [
      'another time zone',
      (_, r) => (r.head.period.time_zone = 'Mars/Olympus'),
      /^head\.period\.time_zone is not the name of a time zone/,
      /No time zone found with key Mars/,
    ],
    [
      'another title',
      (_, r) => (r.head.title = 'Forced by a person'),
      follows('head.title'),
      /^the sentences are not those of this version/m,
    ],
    [
      'a leaf moved under another run',
      (all) => moveLeaf(all, 'revision_no', {}),
      /^revision 1 of classification \d+ does not follow its run in the order of the leaves$/,
      /^leaf \d+ is out of order/m,
    ],
    [
      'a note moved under another run',
      (all) => moveLeaf(all, 'note_id', {}),
      /^note 1 does not follow its run in the order of the leaves$/,
      /^leaf \d+ is out of order/m,
    ],
    [
      'a leaf moved to another run',
      (all) => moveLeaf(all, 'revision_no', { chain_position: 9 }),
      ALTERED_LEAF,
      /is not under the root of its run/,
    ],
  ])('detects %s', async (_, change, product, inPython) => {
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
    await expect(verifyFile(file, { head: 'a'.repeat(64) })).rejects.toThrow(
      /--head and --key apply to a bundle or the database only.* Leave them out/,
    )
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
