import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dataDigest } from '../../src/compliance/report/make-report.ts'
import { bundleLines } from '../../src/compliance/report/read/bundle-lines.ts'
import { type ReportRequest, readReport } from '../../src/compliance/report/read/read-report.ts'
import { type FileVerification, verifyFile } from '../../src/compliance/report/read/verify-file.ts'
import { EXPLANATIONS, GAP_KINDS, type ReportData } from '../../src/compliance/report/schema.ts'
import { createDraw, type Draw } from '../../src/devkit/simulator/draw.ts'
import { createSigner } from '../../src/pipeline/seal/checkpoint.ts'
import { UsageError } from '../../src/platform/errors.ts'
import { utcText } from '../../src/platform/postgres/clock.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import { FORCE_CAUSES } from '../../src/platform/postgres/tables/history.ts'
import { doctored } from '../support/doctor-bundle.ts'
import { buildBundleVerifier, CAN_BUILD_GO } from '../support/go-verifier.ts'
import { closed, type Line, opened } from '../support/open-bundle.ts'
import { HAS_PYTHON, startPython } from '../support/python-verifiers.ts'
import { sampleSize } from '../support/sample-size.ts'
import { sealWorld } from '../support/sealed-world.ts'
import { createTestDatabase } from '../support/test-database.ts'
import { TEST_SEED } from '../support/test-seed.ts'

const WORLDS = Array.from({ length: sampleSize(5) }, (_, world) => world)
/** These are the same in each run, because together they have bundles of all kinds. All alterations are others in each run. */
const SAME_WORLDS = 5
const BUNDLES_OF_WORLD = 20

const TIME_ZONES = [
  'UTC',
  'Europe/Rome',
  'Asia/Kathmandu',
  'America/St_Johns',
  'Pacific/Apia',
  'Pacific/Chatham',
]

interface Bundle {
  readonly request: ReportRequest
  readonly lines: readonly string[]
  /** A chain head that was kept elsewhere, and that the bundle proves. */
  readonly head: string | undefined
}

const made = new Map<number, Promise<readonly Bundle[]>>()

/** The bundles of a world, which several tests share. */
function bundlesOf(world: number): Promise<readonly Bundle[]> {
  const bundles = made.get(world) ?? Array.fromAsync(makeBundles(world))
  made.set(world, bundles)
  return bundles
}

async function* makeBundles(world: number): AsyncGenerator<Bundle> {
  await using database = await createTestDatabase()
  const { db } = database
  const draw = createDraw('bundles', world, ...(world < SAME_WORLDS ? [] : [TEST_SEED]))
  await sealWorld(db, draw, world % 2 === 0 ? newSigner() : null)
  const runs = await readRuns(db)
  const { events } = await readReport(db, { media: 'audio', from: null, to: null, asOf: null })
  const cuts = events.flatMap(({ not_before, not_after }) => [not_before ?? not_after, not_after])
  for (let count = 0; count < BUNDLES_OF_WORLD; count++) {
    const request = requestOf(cuts, runs, draw)
    const heads = draw.shuffle(runs).map(({ chain_head }) => chain_head)
    const kept = heads.slice(0, draw.integer(0, 3))
    const lines = await Array.fromAsync(bundleLines(db, await readReport(db, request), kept))
    yield { request, lines, head: kept[0] }
  }
}

function newSigner() {
  const { privateKey } = generateKeyPairSync('ed25519')
  return createSigner(String(privateKey.export({ format: 'pem', type: 'pkcs8' })))
}

interface Run {
  readonly finished_at: string
  readonly chain_head: string
}

async function readRuns(db: Kysely<Database>): Promise<Run[]> {
  return db
    .selectFrom('identifai.sync_runs')
    .select([utcText(sql`finished_at`).as('finished_at'), sql<string>`chain_head`.as('chain_head')])
    .orderBy('chain_position')
    .execute()
}

/** A period that begins and ends anywhere, often at the very times of events. */
function requestOf(cuts: readonly string[], runs: readonly Run[], draw: Draw): ReportRequest {
  const times = [...cuts, '2026-01-15', '2026-03-01', '2026-04-01', '2026-05-01', '2026-07-01']
  const [from = null, to = null] = [draw.pick(times), draw.pick(times)].toSorted()
  const fromBeginning = draw.chance(0.3) || from === to
  return {
    media: 'audio',
    from: fromBeginning ? null : from,
    to: fromBeginning && draw.chance(0.3) ? null : to,
    timeZone: draw.pick(TIME_ZONES),
    asOf: draw.chance(0.5) ? null : draw.pick(runs.slice(1)).finished_at,
  }
}

describe('the three verifiers of a bundle', () => {
  let folder: string
  let python: ReturnType<typeof startPython> | undefined
  let go: ReturnType<typeof buildBundleVerifier> | undefined
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'identifai three '))
    if (HAS_PYTHON) python = startPython()
    if (CAN_BUILD_GO) go = buildBundleVerifier()
  })
  afterAll(() => {
    python?.[Symbol.dispose]()
    go?.[Symbol.dispose]()
    rmSync(folder, { recursive: true })
  })

  /** The verifiers that accept a file, without those that this machine lacks. */
  async function accepting(text: string, head: string | undefined): Promise<string[]> {
    const file = path.join(folder, 'b.jsonl')
    writeFileSync(file, text)
    const args = [file, ...(head === undefined ? [] : [head])]
    const [product, inPython, inGo] = await Promise.all([
      verifyFile(file, { head }).then(isAcceptedByProduct, isRefusal),
      python?.verify('verify_bundle.py', ...args).then(isAccepted),
      go?.verify(...args).then(isAccepted),
    ])
    return [...(product ? ['product'] : []), ...(inPython ? ['Python'] : []), ...(inGo ? ['Go'] : [])]
  }

  const verifiers = ['product', ...(HAS_PYTHON ? ['Python'] : []), ...(CAN_BUILD_GO ? ['Go'] : [])]

  it.each(WORLDS)('accept each bundle of world %i, and refuse each with an alteration', async (world) => {
    const disagreements = []
    let seed = world * BUNDLES_OF_WORLD
    for (const { request, lines, head } of await bundlesOf(world)) {
      const accepted = await accepting(lines.join(''), head)
      if (accepted.length < verifiers.length) disagreements.push({ request, head, accepted })
      const { text, alteration } = doctored(lines, createDraw('doctored', TEST_SEED, ++seed), head)
      const deceived = await accepting(text, head)
      if (deceived.length > 0) disagreements.push({ request, head, seed, alteration, deceived })
    }
    expect(disagreements).toEqual([])
  })

  it('are compared on bundles of all kinds', async () => {
    const kinds = new Set<string>()
    for (const world of WORLDS)
      for (const { lines } of await bundlesOf(world)) for (const kind of kindsOf(lines)) kinds.add(kind)
    const values = [...GAP_KINDS, ...FORCE_CAUSES, ...EXPLANATIONS, 'certainly', 'possibly', 'no']
    expect([...KINDS, ...values].filter((kind) => !kinds.has(kind))).toEqual(['unsealed'])
  })

  it('accept other values where a bundle proves none', async () => {
    await using database = await createTestDatabase()
    await sealWorld(database.db, createDraw('limits'), null)
    const report = await readReport(database.db, { media: 'audio', from: '2026-01-02', to: null, asOf: null })
    const lines = await Array.fromAsync(bundleLines(database.db, report, []))
    expect(await accepting(lines.join(''), undefined)).toEqual(verifiers)
    for (const change of UNPROVED) {
      const copy = opened(lines)
      change(copy[0], copy[0].data)
      copy[0].data_digest = dataDigest(copy[0].data)
      const text = closed(copy).join('')
      expect(text).not.toBe(lines.join(''))
      expect({ change: String(change), accepting: await accepting(text, undefined) }).toEqual({
        change: String(change),
        accepting: verifiers,
      })
    }
  })
})

/** Alterations of what docs/bundle.md names as not proved. */
const UNPROVED: readonly ((line: Line, data: Line) => unknown)[] = [
  (line) => (line.generated_at = '2026-01-01T00:00:00.000000Z'),
  (line) => line.personal_values.pop(),
  (_, data) => data.summary.period.already_forced++,
  (_, data) => data.events[0].same_file_identifiers++,
  (_, { decisions }) => {
    const { file_hash } = decisions.find((decision: Line) => decision.file_hash !== null)
    for (const decision of decisions) if (decision.file_hash === file_hash) decision.tracked++
  },
  (_, data) => (data.head.coverage.observed_since = '2026-01-01T00:00:00.000000Z'),
  (_, data) => (data.head.period.from = '2026-01-03T00:00:00.000000Z'),
]

/** The kinds of bundles that depend on several values. */
const KINDS = [
  'complete',
  'signed',
  'redacted',
  'retired',
  'kept',
  'without events',
  'new analysis',
  'without file',
  'same file',
  'several former labels',
  'corrected',
] as const

function kindsOf(lines: readonly string[]): string[] {
  const [{ data, personal_values, checkpoint }, ...rest] = opened(lines)
  const { events, decisions, head }: ReportData = data
  const are: { readonly [Kind in (typeof KINDS)[number]]: boolean } = {
    complete: head.coverage.is_complete,
    signed: checkpoint.includes('—'),
    redacted: personal_values.length < events.length,
    retired: head.coverage.retired > 0,
    kept: rest.some(({ kept }) => kept),
    'without events': events.length === 0,
    'new analysis': events.some((event) => event.revision_no - event.revision_no_before > 1),
    'without file': decisions.some(({ file_hash }) => file_hash === null),
    'same file': decisions.some(({ identifiers }) => identifiers > 1),
    'several former labels': decisions.some((decision) => decision.forced_from_differs),
    corrected: decisions.some(({ notes }) => notes.some(({ corrects }) => corrects !== null)),
  }
  return [
    ...Object.entries(are).flatMap(([kind, is]) => (is ? [kind] : [])),
    ...head.coverage.gaps.map(({ gap }) => gap),
    ...events.map(({ event }) => event),
    ...decisions.flatMap(({ in_period, explanation }) => [in_period, explanation]),
  ]
}

/** Throws where a verifier has failed, instead of finding something. Python describes a lacking proof as an exception. */
function isAccepted({ code, output }: { readonly code: unknown; readonly output: string }): boolean {
  const findings = output.trim().split('\n')
  const hasFailed = findings.every((finding) => finding.startsWith('the verifier failed'))
  if ((code !== 0 && code !== 6) || hasFailed)
    throw new Error(`A verifier failed (${String(code)}): ${output}`)
  return code === 0
}

function isAcceptedByProduct({ findings }: FileVerification): boolean {
  const deliberate = findings.filter(({ problem }) => !problem.startsWith('cannot be made again'))
  if (deliberate.length === 0 && findings.length > 0) throw new Error(findings[0]?.problem)
  return findings.length === 0
}

/** A file that is no bundle at all is refused by an error. */
function isRefusal(error: unknown): false {
  if (error instanceof UsageError) return false
  throw error
}
