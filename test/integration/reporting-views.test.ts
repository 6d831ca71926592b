import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audioEndpoint } from '../../src/audio-endpoint.ts'
import type { Json, JsonObject } from '../../src/json.ts'
import { World } from '../../src/simulator/world.ts'
import { audioRecordArbitrary } from '../support/arbitrary-record.ts'
import { type CannedApi, startCannedApi } from '../support/canned-api.ts'
import {
  agreementRows,
  classificationRow,
  clipResultRows,
  clipRows,
  fileResultRows,
  spanRows,
  type Truth,
  verdictModelRows,
  verdictRows,
} from '../support/expected-views.ts'
import { createWorkbench, type Workbench } from '../support/workbench.ts'

const clip = (start: Json, end: Json, label: string | null, confidence = 0.9) => ({
  start,
  end,
  verdict: { classification: label, confidence },
})

/** Every corner that has a name; each gets an identifier of its own. */
const CORNERS: readonly JsonObject[] = [
  { status: 'done', verdict: { classification: 'human', confidence: 0.8, heuristic: 'Majority' } },
  { status: 'done' },
  { status: 'new', force_classification: 'human' },
  {
    status: 'new',
    verdict: { classification: 'human' },
    verdicts: [{ heuristic: 'A', classification: 'human' }],
  },
  { status: 'errored', errors: 'not audio' },
  { status: 'errored', errors: ['one', 'two'], force_classification: 'artificial' },
  { verdict: { classification: 'artificial', heuristic: 'Majority', models: ['Phantom', 'Phantom'] } },
  {
    status: 'done',
    force_classification: 'human',
    verdict: { classification: 'artificial', confidence: 0.97 },
  },
  { status: 'done', force_classification: 'human', verdict: { classification: 'human' } },
  { status: 'done', force_classification: 'artificial' },
  { status: 'done', force_classification: 'synthetic', verdict: { classification: 'uncertain' } },
  {
    status: 'done',
    force_classification: 'human',
    verdict: { heuristic: 'Majority', classification: 'artificial', models: ['Phantom'] },
    verdicts: [
      { heuristic: 'Majority', classification: 'human', models: ['Phantom', 'Lynx'] },
      { heuristic: 'Average', classification: 'human', models: ['Phantom', 'Phantom'] },
      { heuristic: 'Average', classification: 'artificial', models: ['Lynx'] },
      { heuristic: 'TopRelevant', classification: 'artificial', models: ['Phantom'] },
      { classification: 'human' },
      { heuristic: 'Silent' },
    ],
  },
  {
    status: 'done',
    results: [
      {
        model: 'Phantom',
        classification: [
          { label: 'human', score: 0.2 },
          { label: 'artificial', score: 0.8 },
        ],
      },
      {
        model: 'Phantom',
        classification: [
          { label: 'artificial', score: 0.5 },
          { label: 'human', score: 0.5 },
        ],
      },
      { model: 'Lynx', unknown: true, classification: [{ label: 'artificial', score: 0.9 }] },
      { model: 'Zebra II', classification: [{ label: 'robot', score: 0.9 }, { label: 'human' }] },
      { unknown: false },
    ],
  },
  {
    status: 'done',
    verdict: { classification: 'human' },
    details: {
      clips: [
        clip(10, 15, 'artificial', 0.6),
        clip(0, 5, 'artificial', 0.7),
        clip(0, 5, 'artificial', 0.8),
        clip(5, 8, 'artificial'),
        clip(7, 6, 'human'),
        clip(30, 20, 'artificial'),
        clip(12, 13, 'artificial', 0.99),
        clip(16, 16, 'artificial'),
        clip(null, 40, 'artificial'),
        clip(50, 60, null),
        {},
      ],
    },
  },
]

/** Clips that overlap, touch and repeat in every way. */
const clipLists = fc.array(
  fc
    .tuple(
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 0, max: 4 }),
      fc.constantFrom('artificial', 'human'),
    )
    .map(([start, length, label]) => clip(start, start + length, label, start / 20)),
  { minLength: 1, maxLength: 9 },
)

function records(): JsonObject[] {
  const world = new World({ seed: 91, asksUntilDone: 0 })
  const fromWorld = world.register({ count: 60 })
  for (const identifier of fromWorld.slice(0, 12)) world.override(world.hashOf(identifier) as string, 'human')
  return [
    ...CORNERS,
    ...fc.sample(audioRecordArbitrary, 120),
    ...fc.sample(clipLists, 120).map((clips) => ({ status: 'done', details: { clips } })),
    ...fromWorld.map((identifier) => world.truth(identifier) as JsonObject),
  ]
}

describe('a reporting view shows what the records say, worked out apart from it:', () => {
  let api: CannedApi
  let bench: Workbench
  let truths: Truth[]

  beforeAll(async () => {
    // A hash of its own for each: siblings would be asked twice.
    const served = new Map<string, JsonObject>(
      records().map((record, n) => [`id-${n}`, { ...record, identifier: `id-${n}`, hash: `hash-${n}` }]),
    )
    api = await startCannedApi((identifiers) => identifiers.map((identifier) => served.get(identifier)))
    bench = await createWorkbench({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue([...served.keys()])
    await sql`update identifai.identifiers set submitted_at = case when id % 3 > 0 then '2026-06-01Z'::timestamptz + id * interval '7 hours' end,
      source = case when id % 4 > 0 then 'calls' end`.execute(bench.app.db)
    expect(await bench.pass()).toMatchObject({ status: 'succeeded', returned: served.size })
    const { rows } = await sql<Omit<Truth, 'record'> & { id: number }>`
      select id as classification_id, identifier, submitted_at, source from identifai.identifiers order by id`.execute(
      bench.app.db,
    )
    truths = rows.map((row) => {
      const validation = audioEndpoint.validate(served.get(row.identifier) as JsonObject)
      if (!validation.accepted) throw new Error(row.identifier)
      return { ...row, record: validation.classification.known }
    })
  })
  afterAll(async () => {
    await bench[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
  })

  /** The rows of a view with these columns, and those expected, both in an order of their own. */
  async function compare(view: string, expected: readonly object[]) {
    const columns = Object.keys(expected[0] ?? {})
    const { rows } = await sql<object>`
      select ${sql.join(columns.map((column) => sql.ref(column)))} from identifai_reporting.${sql.table(view)}`.execute(
      bench.app.db,
    )
    expect(rows.length).toBe(expected.length)
    expect(inOrder(rows)).toEqual(inOrder(expected))
  }

  it.each<[string, (truth: Truth) => object | object[]]>([
    ['classifications', classificationRow],
    ['verdicts', verdictRows],
    ['verdict_models', verdictModelRows],
    ['file_model_results', fileResultRows],
    ['clip_model_results', clipResultRows],
    ['clips', clipRows],
    ['artificial_spans', spanRows],
  ])('%s', async (view, rowsOf) => {
    await compare(
      view,
      truths.flatMap((truth) => rowsOf(truth)),
    )
  })

  it('heuristic_agreement', async () => {
    await compare('heuristic_agreement', agreementRows(truths))
  })
})

/** Zero has one sign, and the order of rows does not matter. */
function inOrder(rows: readonly object[]): unknown[] {
  const texts = rows.map((row) =>
    JSON.stringify(row, (_, value: unknown) => (Object.is(value, -0) ? 0 : value)),
  )
  return texts.toSorted().map((text) => JSON.parse(text) as unknown)
}
