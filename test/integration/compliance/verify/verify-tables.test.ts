import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { prunePayloads } from '../../../../src/compliance/history/prune-payloads.ts'
import { redact } from '../../../../src/compliance/history/redact.ts'
import { verifyTables } from '../../../../src/compliance/verify/verify-tables.ts'
import { CONTENT_TABLES } from '../../../../src/media/registry.ts'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { requeue } from '../../../../src/pipeline/queue/requeue.ts'
import { retire } from '../../../../src/pipeline/queue/retire.ts'
import { applyReplay } from '../../../../src/pipeline/replay/replay.ts'
import type { JsonObject } from '../../../../src/platform/json.ts'
import { type TypeName, typeOf } from '../../../../src/platform/postgres/table.ts'
import { benchAgainst } from '../../../support/bench-against.ts'
import { afterTampering } from '../../../support/tamper.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'

const NEVER = new AbortController().signal

/** A record with a value in every column of every table. */
const COMPLETE: JsonObject = {
  hash: 'file',
  api_version: '1.4.2',
  status: 'done',
  errors: 'A warning.',
  name: 'a\0b.wav',
  ref_id: 'case-1',
  result_url: 'https://dashboard.example/1',
  verdict: { heuristic: 'Majority', confidence: 0.75, classification: 'human', models: ['Phantom', 'Lynx'] },
  verdicts: [
    { heuristic: 'Majority', confidence: 0.75, classification: 'human', models: ['Phantom', 'Lynx'] },
    { heuristic: 'Average', confidence: 0.5, classification: 'artificial', models: ['Lynx'] },
  ],
  results: [
    {
      model: 'Phantom',
      unknown: false,
      elapsed_time: 1.5,
      classification: [
        { label: 'human', score: 0.75 },
        { label: 'artificial', score: 0.25 },
      ],
      classification_details: { frames: [1, 2] },
    },
    { model: 'Lynx', classification: [{ label: 'other', score: 1 }] },
  ],
  details: {
    clips: [
      {
        index: 0,
        start: 0,
        end: 5,
        verdict: { heuristic: 'Majority', confidence: 0.5, classification: 'human', models: ['Lynx'] },
        results: [{ model: 'Lynx', classification: [{ label: 'human', score: 1 }] }],
      },
      { index: 1 },
    ],
  },
  duration: 12.5,
}

const NEW: JsonObject = { status: 'new' }

/** The days of each identifier: its record, or null where the API does not return it. */
const DAYS: Readonly<Record<string, readonly (JsonObject | null)[]>> = {
  complete: [COMPLETE],
  forced: [
    COMPLETE,
    { ...COMPLETE, force_classification: 'artificial' },
    { ...COMPLETE, force_classification: 'human' },
    COMPLETE,
  ],
  again: [COMPLETE, { ...COMPLETE, force_classification: 'human' }, NEW, { ...NEW, name: 'other' }],
  finishedAgain: [COMPLETE, NEW, { ...COMPLETE, api_version: '1.4.3' }],
  gone: [COMPLETE, { ...COMPLETE, name: 'other' }, null],
  goneAgain: [COMPLETE, NEW, null],
  returned: [COMPLETE, null, { ...COMPLETE, name: 'other' }],
  newLink: [COMPLETE, { ...COMPLETE, result_url: 'https://dashboard.example/2' }],
  formerLink: [COMPLETE, { ...COMPLETE, result_url: 'https://dashboard.example/2' }, COMPLETE],
  noLink: [COMPLETE, { ...COMPLETE, result_url: null }],
  unfinished: [NEW],
  errored: [NEW, { status: 'errored', errors: ['one', 'two'] }],
  legacy: [{ verdict: { confidence: 0.5 } }],
  chunks: [
    { status: 'done', chunk_details: [{ index: 3, results: [{ unknown: true, classification: [] }] }] },
  ],
  unknown: [null],
  retired: [COMPLETE],
  redacted: [COMPLETE, { ...COMPLETE, errors: ['one', 'two'], chunk_details: [{ index: 4 }] }],
  quarantined: [COMPLETE, { status: 5 }],
  replayed: [{ status: 123456 }, { status: 123456, force_classification: 'human' }],
}

/** Five days with every kind of event, and the commands that change stored rows. */
async function benchWithDays(): Promise<TestApp> {
  let day = 0
  const bench = await benchAgainst(
    (identifiers) =>
      identifiers.map((identifier) => {
        const days = DAYS[identifier] ?? []
        const record = days[Math.min(day, days.length - 1)]
        return record ? { identifier, ...record } : null
      }),
    { SYNC_MISSING_AFTER: '1' },
  )
  const { db } = bench.app
  await bench.enqueue(Object.keys(DAYS))
  for (; day < 5; day++) {
    await bench.makeAllDue()
    await bench.run({ refreshAll: true })
    await requeue(db, argumentEntries(['replayed']))
  }
  await sql`update identifai.quarantined_payloads set payload = replace(payload, '123456', '"done"')`.execute(
    db,
  )
  await sql`update identifai.identifiers set state = 'quarantined' where identifier = 'replayed'`.execute(db)
  await sql`update identifai.model_results set top_label = null`.execute(db)
  expect(await applyReplay(bench.app, { since: null, signal: NEVER })).toMatchObject({ run: { changed: 2 } })
  const because = { reason: 'test', author: null }
  await retire(db, argumentEntries(['retired', 'redacted']), because)
  await redact(db, 'redacted', { media: 'audio', isDryRun: false, ...because })
  expect(await prunePayloads(db, { olderThanDays: -1, isDryRun: false, signal: NEVER })).toMatchObject({
    removed: 11,
  })
  return bench
}

/** SQL for another value of a column. */
const OTHER_VALUES: Readonly<Partial<Record<TypeName, (column: string) => string>>> = {
  bigint: (column) => `${column} + 1000`,
  integer: (column) => `coalesce(${column}, 0) + 100`,
  'double precision': (column) => `coalesce(${column}, 0) + 1`,
  boolean: (column) => `not coalesce(${column}, false)`,
  text: (column) => `coalesce(${column}, '') || 'x'`,
  'text[]': (column) => `array_append(${column}, 'x')`,
  uuid: () => "'0c9e1b4c-3f5a-4d55-9d3b-6b8d1a2f7e10'",
  jsonb: () => `'{"x": 1}'`,
  // A cluster accepts only what depends on no setting.
  timestamptz: (column) => `((${column} at time zone 'UTC') + interval '1 microsecond') at time zone 'UTC'`,
}

/** SQL for another value of the columns that the database checks. */
const OTHER_KNOWN: Readonly<Record<string, string>> = {
  kind: `case kind when 'main' then 'heuristic' else 'main' end`,
  clips_path: `'/chunk_details'`,
}

/** Citus refuses to change the column by which rows are distributed. */
const isDistributed = inject('workerUrls').length > 0

/** Every column of every table of content, with a statement that changes it in the first row of a classification. */
const CELLS = CONTENT_TABLES.flatMap(({ name: table, order: [ordinal], columns }) =>
  Object.entries(columns)
    .filter(([column]) => !isDistributed || column !== 'classification_id')
    .map(([column, declared]) => {
      const type = typeOf(declared)
      const value = OTHER_KNOWN[column] ?? OTHER_VALUES[type]?.(column)
      if (value === undefined) throw new Error(`There is no other value of the type ${type}.`)
      const first = ordinal === undefined ? '' : ` and ${ordinal} = 0`
      const change = (id: number) =>
        `update identifai.${table} set ${column} = ${value} where classification_id = ${id}${first}`
      const isKey = column === 'classification_id' || column === ordinal
      return { cell: `${table}.${column}`, table, ordinal, column, isKey, change }
    }),
)

describe('comparing the tables with history', () => {
  let bench: TestApp
  /** The classification of COMPLETE. */
  let id: number
  beforeAll(async () => {
    bench = await benchWithDays()
    id = await idOf('complete')
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  async function idOf(identifier: string): Promise<number> {
    const row = await bench.app.db
      .selectFrom('identifai.identifiers')
      .select('id')
      .where('identifier', '=', identifier)
      .executeTakeFirstOrThrow()
    return row.id
  }

  const verifyAfter = (...statements: string[]) =>
    afterTampering(bench.app.db, statements, (trx) => verifyTables(trx))
  const findingsAfter = async (...statements: string[]) =>
    (await verifyAfter(...statements)).findings.map(({ what, problem }) => `${what} ${problem}`)
  const withoutPayload = () => `delete from identifai.revision_payloads where classification_id = ${id}`

  it('has no findings after forces, new analyses, new links, absences, a replay, a redaction and pruned payloads', async () => {
    expect(await verifyAfter()).toEqual({
      counts: { classifications: 18, without_payload: 1, not_accepted: 0 },
      findings: [],
    })
  })

  it('has no findings where the rows are compared with each other, because the payloads are gone', async () => {
    expect(await verifyAfter('delete from identifai.revision_payloads')).toEqual({
      counts: { classifications: 18, without_payload: 18, not_accepted: 0 },
      findings: [],
    })
  })

  it.each(CELLS.filter(({ isKey }) => !isKey))(
    'names another value of $cell',
    async ({ table, ordinal, column, change }) => {
      const row = ordinal === undefined ? '' : `, ${ordinal} 0`
      expect(await findingsAfter(change(id))).toEqual([
        `${table} (classification_id ${id}${row}) differs from the history in: ${column}`,
      ])
    },
  )

  it.each(CELLS.filter(({ isKey }) => isKey))(
    'names a row that $cell moves',
    async ({ table, ordinal, column, change }) => {
      const row = (key: number, no: number) =>
        `${table} (classification_id ${key}${ordinal === undefined ? '' : `, ${ordinal} ${no}`})`
      const [key, no] = column === 'classification_id' ? [id + 1000, 0] : [id, 100]
      const found = await findingsAfter(change(id))
      expect(found).toContain(`${row(id, 0)} is missing`)
      expect(found).toContain(`${row(key, no)} is not in the history, because it was inserted`)
    },
  )

  it.each(CELLS.filter(({ column }) => column !== 'result_url' && column !== 'clips_path'))(
    'finds another value of $cell without the payload',
    async ({ change }) => {
      const found = await findingsAfter(withoutPayload(), change(id))
      expect(found.join()).toMatch(new RegExp(`classification(_id)? ${id}\\b`))
    },
  )

  it.each(['name', 'ref_id', 'result_url', 'extra', 'unstorable'])(
    'names a value of %s after a redaction',
    async (column) => {
      const redacted = await idOf('redacted')
      const change = CELLS.find(({ cell }) => cell === `classifications.${column}`)?.change(redacted) ?? ''
      expect(await findingsAfter(change)).toEqual([
        `classifications (classification_id ${redacted}) differs from the history in: ${column}`,
      ])
    },
  )

  it.each(['classification', 'confidence', 'heuristic'])(
    'names another %s of the main verdict after a redaction, which leaves no digest',
    async (column) => {
      const redacted = await idOf('redacted')
      const change = CELLS.find(({ cell }) => cell === `verdicts.${column}`)?.change(redacted) ?? ''
      expect(await findingsAfter(change)).toContain(
        `the rows of classification ${redacted} differ from revision 2 in: machine_${column}`,
      )
    },
  )

  it.each(CONTENT_TABLES)('names a deleted and an inserted row of $name', async (table) => {
    const { name, order } = table
    const [ordinal] = order
    const row = (no: number) =>
      `${name} (classification_id ${id}${ordinal === undefined ? '' : `, ${ordinal} ${no}`})`
    const first = `classification_id = ${id}${ordinal === undefined ? '' : ` and ${ordinal} = 0`}`
    expect(await findingsAfter(`delete from identifai.${name} where ${first}`)).toEqual([
      `${row(0)} is missing`,
    ])
    const copy = [
      `create temporary table copy on commit drop as select * from identifai.${name} where ${first}`,
      `update copy set ${ordinal === undefined ? 'classification_id = -5' : `${ordinal} = -5`}`,
      `insert into identifai.${name} select * from copy`,
    ]
    expect(await findingsAfter(...copy)).toEqual([
      `${ordinal === undefined ? `${name} (classification_id -5)` : row(-5)} is not in the history, because it was inserted`,
    ])
  })

  it.skipIf(isDistributed)(
    'names all rows of a classification without history, also behind and before all others',
    async () => {
      const moved = (to: number) =>
        ['classifications', 'clips'].map(
          (table) =>
            `update identifai.${table} set classification_id = ${to} where classification_id = ${id}`,
        )
      const inserted = 'is not in the history, because it was inserted'
      for (const to of [-7, 1000]) {
        const found = await findingsAfter(...moved(to))
        expect(found).toContain(`classifications (classification_id ${to}) ${inserted}`)
        expect(found).toContain(`clips (classification_id ${to}, clip_no 1) ${inserted}`)
        expect(found).toContain(`classifications (classification_id ${id}) is missing`)
      }
    },
  )

  it.each([
    ["state = 'errored'", 'state'],
    ["identifier = 'other'", 'identifier'],
    ["finished_at = finished_at - interval '1 microsecond'", 'finished_at'],
    ['finished_at = null', 'finished_at'],
    [
      "redacted_at = now(), state = 'retired', retired_at = now(), retired_reason = 'r', due_at = null",
      'redacted_at',
    ],
  ])('names a tracked identifier with %s', async (change, column) => {
    expect(await findingsAfter(`update identifai.identifiers set ${change} where id = ${id}`)).toEqual([
      `identifiers (id ${id}) differs from the history in: ${column}`,
    ])
  })

  it('names a deleted tracked identifier, and a finished one without a history', async () => {
    expect(await findingsAfter(`delete from identifai.identifiers where id = ${id}`)).toEqual([
      `identifiers (id ${id}) is missing`,
    ])
    const unknown = await idOf('unknown')
    expect(
      await findingsAfter(
        `update identifai.identifiers set state = 'done', finished_at = now() where id = ${unknown}`,
      ),
    ).toEqual([`identifiers (id ${unknown}) differs from the history in: state, finished_at`])
    for (const [change, column] of [
      ["state = 'done'", 'state'],
      ["state = 'errored'", 'state'],
      ['finished_at = now()', 'finished_at'],
    ]) {
      expect(await findingsAfter(`update identifai.identifiers set ${change} where id = ${unknown}`)).toEqual(
        [`identifiers (id ${unknown}) differs from the history in: ${column}`],
      )
    }
  })

  it('compares a link only where the last record is the stored payload', async () => {
    const link = async (identifier: string) =>
      findingsAfter(
        `update identifai.classifications set result_url = 'x' where classification_id = ${await idOf(identifier)}`,
      )
    expect(await link('formerLink')).toEqual([
      expect.stringMatching(/differs from the history in: result_url$/),
    ])
    expect(await link('newLink')).toEqual([])
  })

  it('compares a payload that this version does not accept by the columns that its revision repeats', async () => {
    const broken = `update identifai.revision_payloads set payload = '{"status": 5}' where classification_id = ${id}`
    expect(await verifyAfter(broken)).toEqual({
      counts: { classifications: 18, without_payload: 1, not_accepted: 1 },
      findings: [],
    })
    for (const payload of ['null', '5', '[]']) {
      const odd = `update identifai.revision_payloads set payload = '${payload}' where classification_id = ${id}`
      expect((await verifyAfter(odd)).counts.not_accepted).toBe(1)
    }
    const change = `update identifai.classifications set observed_at = now() where classification_id = ${id}`
    expect(await findingsAfter(broken, change)).toEqual([
      `classifications (classification_id ${id}) differs from the history in: observed_at`,
    ])
  })

  it.each([
    `update identifai.verdicts set confidence = 'NaN'`,
    `update identifai.clips set clip_start = 'infinity'`,
    `update identifai.classifications set observed_at = 'infinity'`,
    `update identifai.classifications set extra = '{"x": 1e400}'`,
    `update identifai.classifications set media = 'unknown'`,
    `update identifai.classification_revisions set media = 'unknown'`,
    `update identifai.classifications set extra = '{"x/~": {"/": 1}}', unstorable = '[1]'`,
    `update identifai.model_results set other_scores = '5'`,
  ])('finds any value, also without payloads: %s', async (statement) => {
    const altered = `${statement} where classification_id = ${id}`
    const [, written, column] = /^update identifai\.(\w+) set (\w+)/.exec(statement) ?? []
    const table = written === 'classification_revisions' ? 'classifications' : written
    const named = new RegExp(
      `^${table} \\(classification_id ${id}[,)].* differs from the history in: ${column}`,
    )
    expect(await findingsAfter(altered)).toContainEqual(expect.stringMatching(named))
    const [first = ''] = await findingsAfter(altered, withoutPayload())
    const rows = new RegExp(
      `^the rows of classification ${id} (do not hold a record|differ from revision 1 in: )`,
    )
    expect(named.test(first) || rows.test(first), first).toBe(true)
  })

  it('lists ten thousand findings, and counts the others', async () => {
    const { findings } = await verifyAfter(
      `insert into identifai.clips (classification_id, clip_no) select ${id}, n from generate_series(1000, 11999) as n`,
    )
    expect(findings).toHaveLength(10_001)
    expect(findings.at(-1)).toMatchObject({
      what: 'the tables',
      problem: 'differ from the history in 1,000 more places',
    })
  })
})

it('compares the classifications of every page, and reports the progress', async () => {
  await using bench = await createTestApp()
  await bench.load({ count: 401 })
  const { db } = bench.app
  const progress: number[] = []
  expect(
    await db.transaction().execute((trx) => verifyTables(trx, (checked) => progress.push(checked))),
  ).toEqual({
    counts: { classifications: 401, without_payload: 0, not_accepted: 0 },
    findings: [],
  })
  expect(progress).toEqual([200, 400, 401])
  await sql`update identifai.classifications set name = name || 'x' || classification_id::text, ref_id = 'x'`.execute(
    db,
  )
  const { findings } = await db.transaction().execute((trx) => verifyTables(trx))
  expect(new Set(findings.map(({ what }) => what)).size).toBe(401)
})
