import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audioEndpoint } from '../../../src/media/audio/endpoint.ts'
import type { Json, JsonObject } from '../../../src/platform/json.ts'
import { World } from '../../../src/devkit/simulator/world.ts'
import { addNote } from '../../support/add-note.ts'
import { audioRecordArbitrary } from '../../support/arbitrary-record.ts'
import { startCannedApi } from '../../support/canned-api.ts'
import {
  filesRows,
  modelAgreementRows,
  modelDailyRows,
  rounded,
  worklistRows,
} from '../../support/expected-aggregates.ts'
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
} from '../../support/expected-views.ts'
import { createTestApp, type TestApp } from '../../support/test-app.ts'

const clip = (start: Json, end: Json, label: string | null, confidence = 0.9) => ({
  start,
  end,
  verdict: { classification: label, confidence },
})

/** Every known corner case; each gets an identifier of its own. */
const CORNERS: readonly JsonObject[] = [
  { status: 'done', verdict: { classification: 'human', confidence: 0.8, heuristic: 'Majority' } },
  { status: 'done' },
  { status: 'new', force_classification: 'human' },
  {
    status: 'new',
    verdict: { classification: 'human' },
    verdicts: [{ heuristic: 'A', classification: 'human' }],
  },
  {
    status: 'new',
    verdict: { heuristic: 'A', classification: 'human', confidence: 0.5 },
    verdicts: [{ heuristic: 'B', classification: 'artificial' }],
  },
  { status: 'errored' },
  { status: 'errored', errors: 'not audio' },
  { status: 'errored', errors: ['one', 'two'], force_classification: 'artificial' },
  { verdict: { classification: 'artificial', heuristic: 'Majority', models: ['Phantom', 'Phantom'] } },
  {
    status: 'done',
    force_classification: 'human',
    verdict: { classification: 'artificial', confidence: 0.97 },
  },
  {
    status: 'done',
    force_classification: 'human',
    verdict: { classification: 'artificial', confidence: 0.9 },
  },
  { status: 'done', verdict: { classification: 'human', confidence: 0.7 } },
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
        clip(0, 5, 'artificial', 0.95),
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
      fc.integer({ min: 0, max: 20 }),
    )
    .map(([start, length, label, confidence]) => clip(start, start + length, label, confidence / 20)),
  { minLength: 1, maxLength: 9 },
)

interface Stage extends AsyncDisposable {
  readonly bench: TestApp
  readonly truths: readonly Truth[]
}

/**
 * Serves the records, loads them in one run, and returns them as validated. Each has a hash of its own, because
 * same-file identifiers would be requested twice.
 */
async function stage(records: readonly JsonObject[], hashOf = (n: number) => `hash-${n}`): Promise<Stage> {
  const served = new Map<string, JsonObject>(
    records.map((record, n) => [`id-${n}`, { ...record, identifier: `id-${n}`, hash: hashOf(n) }]),
  )
  const api = await startCannedApi((identifiers) => identifiers.map((identifier) => served.get(identifier)))
  const bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  await bench.enqueue([...served.keys()])
  await sql`update identifai.identifiers set
    submitted_at = case when id % 3 > 0 then '2026-06-01Z'::timestamptz + id * interval '7 hours' end,
    source = case when id % 4 > 0 then 'calls' end`.execute(bench.app.db)
  expect(await bench.run()).toMatchObject({
    status: 'succeeded',
    tracked_count: served.size,
    not_returned: 0,
  })
  const { rows } = await sql<Omit<Truth, 'record'>>`
    select id as classification_id, identifier, submitted_at, source from identifai.identifiers order by id`.execute(
    bench.app.db,
  )
  const truths = rows.map((row) => {
    const validation = audioEndpoint.validate(served.get(row.identifier) as JsonObject)
    if (!validation.accepted) throw new Error(`The record of ${row.identifier} does not fit the contract.`)
    return { ...row, record: validation.classification.known }
  })
  return {
    bench,
    truths,
    [Symbol.asyncDispose]: async () => {
      await bench[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
    },
  }
}

/** Compares the rows of a view with the expected rows, by the columns of the latter and in any order. */
async function compare(
  { bench }: Stage,
  view: string,
  expected: readonly object[],
  normalize: (row: object) => object = withDay,
): Promise<void> {
  const columns = Object.keys(expected[0] ?? {})
  const { rows } = await sql<object>`
    select ${sql.join(columns.map((column) => sql.ref(column)))} from identifai_reporting.${sql.table(view)}`.execute(
    bench.app.db,
  )
  expect(rows.length).toBe(expected.length)
  expect(inOrder(rows.map(normalize))).toEqual(inOrder(expected))
}

describe('a reporting view shows the content of any records:', () => {
  let one: Stage
  beforeAll(async () => {
    const odd = fc.sample(audioRecordArbitrary, 150)
    const spans = fc.sample(clipLists, 120).map((clips) => ({ status: 'done', details: { clips } }))
    one = await stage([...CORNERS, ...odd, ...spans])
  })
  afterAll(() => one[Symbol.asyncDispose]())

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
      one,
      view,
      one.truths.flatMap((truth) => rowsOf(truth)),
    )
  })

  it('heuristic_agreement', async () => {
    await compare(one, 'heuristic_agreement', agreementRows(one.truths))
  })
})

describe('a reporting view aggregates the content of the records:', () => {
  let one: Stage
  beforeAll(async () => {
    const world = new World({ seed: 91, requestsUntilDone: 0 })
    const identifiers = world.register({ count: 150 })
    for (const identifier of identifiers.slice(0, 40))
      world.override(world.hashOf(identifier) as string, 'human')
    one = await stage([...CORNERS, ...identifiers.map((identifier) => world.truth(identifier) as JsonObject)])
  })
  afterAll(() => one[Symbol.asyncDispose]())

  it('review_worklist, with its reasons in words', async () => {
    // The notes are on files that are forced to human, and to artificial: one of them explains nothing.
    const [human, artificial] = ['human', 'artificial'].map((label) =>
      one.truths.find(
        ({ record }) =>
          record.status === 'done' &&
          record.force_classification === label &&
          record.verdict?.confidence === undefined,
      ),
    )
    for (const truth of [human, artificial]) await addNote(one.bench.app.db, truth?.record.hash ?? '')
    const expected = worklistRows(one.truths, new Set([`${human?.record.hash} human`]))
    await compare(one, 'review_worklist', expected)
    const reasons = expected.map(({ reasons: text }) => String(text)).join()
    for (const words of [
      'with a machine confidence',
      'without a note',
      'counts as human',
      'other heuristics',
      'the machine confidence is',
      'failed',
      'without a verdict',
    ]) {
      expect(reasons).toContain(words)
    }
  })

  it('heuristic_agreement', async () => {
    const expected = agreementRows(one.truths)
    expect(expected.some(({ overrides_avoided: needless }) => Number(needless) > 0)).toBe(true)
    await compare(one, 'heuristic_agreement', expected)
  })

  it('model_daily', async () => {
    const { rows } = await sql<{ day: string }>`
      select distinct (observed_at at time zone 'UTC')::date::text as day from identifai.classification_revisions`.execute(
      one.bench.app.db,
    )
    expect(rows).toHaveLength(1)
    await compare(one, 'model_daily', modelDailyRows(one.truths, rows[0]?.day ?? ''), withRounded)
  })

  it('model_agreement', async () => {
    const expected = modelAgreementRows(one.truths)
    expect(expected.some(({ agree, n }) => Number(agree) < Number(n))).toBe(true)
    await compare(one, 'model_agreement', expected, withRounded)
  })
})

it('files groups the submissions of a file, and shows where their labels differ', async () => {
  const labels = ['human', 'artificial', null]
  const records = Array.from({ length: 120 }, (_, n): JsonObject => {
    const [machine, force] = [labels[n % 3], labels[Math.floor(n / 3) % 3]]
    return {
      status: n % 7 === 0 ? 'new' : n % 11 === 0 ? 'errored' : 'done',
      ...(machine && { verdict: { classification: machine } }),
      ...(force && { force_classification: force }),
    }
  })
  await using one = await stage(records, (n) => `hash-${n % 50}`)
  const expected = filesRows(one.truths)
  for (const [column, value] of [
    ['labels_differ', true],
    ['machine_labels_differ', true],
    ['labels_differ', false],
  ] as const) {
    expect(expected.some((row) => row[column] === value)).toBe(true)
  }
  await compare(one, 'files', expected)
})

/** The row with rounded numbers, and days as text. */
function withRounded(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]: [string, unknown]) => [
      key,
      typeof value === 'number' ? rounded(value) : value instanceof Date ? dayOf(value) : value,
    ]),
  )
}

/** The row with submitted_day as text. */
function withDay(row: object): object {
  const { submitted_day: day } = row as { submitted_day?: Date | null }
  return day instanceof Date ? { ...row, submitted_day: dayOf(day) } : row
}

/** Text of a date, which the driver reads as midnight in the time zone of the test. */
function dayOf(date: Date): string {
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`
}

/** The rows in one order, with one sign of zero. */
function inOrder(rows: readonly object[]): unknown[] {
  const texts = rows.map((row) =>
    JSON.stringify(row, (_, value: unknown) => (Object.is(value, -0) ? 0 : value)),
  )
  return texts.toSorted().map((text) => JSON.parse(text) as unknown)
}
