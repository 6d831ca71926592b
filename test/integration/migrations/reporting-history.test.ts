import { personalValuesOf } from '../../../src/compliance/report/personal-values.ts'
import { currentNotes } from '../../../src/compliance/report/decisions.ts'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readReport } from '../../../src/compliance/report/read/read-report.ts'
import { addNote } from '../../support/add-note.ts'
import { sealHistory, type DescribedRevision, trackFinished } from '../../support/seal-history.ts'
import { createTestDatabase } from '../../support/test-database.ts'
import { createTestApp, type TestApp } from '../../support/test-app.ts'

/** The columns that classifications and classification_history share. */
const FORCED_NOW = [
  'identifier',
  'status',
  'effective_classification',
  'machine_classification',
  'machine_confidence',
  'machine_heuristic',
  'force_classification',
  'file_hash',
  'ref_id',
  'name',
] as const

type ForcedNow = Readonly<Record<(typeof FORCED_NOW)[number], string | null>>

interface Observed {
  /** A time after the run, by the database's clock, as text. */
  readonly at: string
  readonly forcedNow: ReadonlyMap<string, ForcedNow>
  /** The forced label of each identifier whose finished record the simulator returned in the run. */
  readonly returned: ReadonlyMap<string, unknown>
}

it('the decisions of two media on files with the same hash are distinct', async () => {
  await using own = await createTestDatabase()
  const { db } = own
  await sql`insert into identifai.media (media) values ('image')`.execute(db)
  await sealHistory(
    db,
    ['audio', 'image'].flatMap((media, index) => {
      const common = { classification_id: index + 1, media, file_hash: 'h' }
      const [first, forced] = [index * 10 + 1, index * 10 + 5].map((day) => new Date(Date.UTC(2026, 5, day)))
      return [
        { ...common, revision_no: 1, observed_at: first as Date, causes: ['first_seen'] },
        {
          ...common,
          revision_no: 2,
          observed_at: forced as Date,
          previous_confirmed_at: first as Date,
          causes: ['forced'],
          force_classification: 'human',
        },
      ] satisfies DescribedRevision[]
    }),
  )
  const keys = async (view: string) =>
    (
      await sql<{ key: string }>`
        select decision_key as key from identifai_reporting.${sql.ref(view)} order by 1`.execute(db)
    ).rows.map(({ key }) => key)
  expect(await keys('force_events')).toEqual(['audio/h/human/1', 'image/h/human/1'])
  expect(await keys('force_decisions')).toEqual(['audio/h/human/1', 'image/h/human/1'])
})

describe('history in the reporting views', () => {
  let bench: TestApp
  const runs: Observed[] = []
  let returned = new Map<string, unknown>()

  const read = async <Row>(query: string) => (await sql.raw<Row>(query).execute(bench.app.db)).rows

  async function refreshAll(): Promise<void> {
    await bench.makeAllDue()
    await bench.run({ refreshAll: true })
    const [clock] = await read<{ at: string }>('select clock_timestamp()::text as at')
    const rows = await read<ForcedNow>(
      `select ${FORCED_NOW.join(', ')} from identifai_reporting.classifications`,
    )
    runs.push({
      at: clock?.at ?? '',
      forcedNow: new Map(rows.map((row) => [row.identifier ?? '', row])),
      returned,
    })
    returned = new Map()
  }

  beforeAll(async () => {
    bench = await createTestApp({
      world: { seed: 17, requestsUntilDone: 2 },
      environment: { SYNC_MISSING_AFTER: '2' },
    })
    const { world } = bench.simulator
    const respond = world.respond.bind(world)
    world.respond = (identifier) => {
      const record = respond(identifier)
      // A record without a status is finished when it has a verdict.
      if (record && (record.status === undefined ? record.verdict : record.status !== 'new'))
        returned.set(identifier, record.force_classification ?? null)
      return record
    }
    const identifiers = world.register({ count: 60 })
    const fileOf = (position: number) => world.hashOf(identifiers[position] as string) as string
    await bench.enqueue([...identifiers, ...world.register({ identifiers: ['failed'], outcome: 'errored' })])
    await refreshAll()
    await refreshAll()
    await refreshAll()
    world.override(fileOf(11), 'human')
    world.override(bench.hashOf('failed'), 'human')
    await refreshAll()
    world.override(fileOf(11), 'artificial')
    world.override(fileOf(20), 'artificial')
    await addNote(bench.app.db, fileOf(11), { ticket: 'F-1', reviewer: 'B. Neri' })
    world.defaultHeuristic = 'TopRelevant'
    await refreshAll()
    for (const position of [3, 11, 20]) world.reanalyze(identifiers[position] as string, 1)
    world.defaultHeuristic = 'Majority'
    world.hide(identifiers[30] as string, true)
    await refreshAll()
    world.override(fileOf(30), 'human')
    await refreshAll()
    world.hide(identifiers[30] as string, false)
    await sql`select identifai.request_refresh(identifier) from identifai.identifiers where state = 'missing'`.execute(
      bench.app.db,
    )
    await refreshAll()
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  /** The number of the run that first observed something, by a time between it and the run before. */
  const runOf = (time: unknown) => (time === null ? null : runs.findIndex(({ at }) => (time as string) < at))

  /** The last run in which an identifier was returned with another label, null without one, and the next in which it was returned. */
  function runsAround({ identifier, force_classification }: Readonly<Record<string, unknown>>) {
    const seen = runs.flatMap(({ returned: labels }, n) =>
      labels.has(String(identifier)) ? [{ n, force: labels.get(String(identifier)) }] : [],
    )
    const other = seen.findLastIndex(({ force }) => force !== force_classification)
    return [seen[other]?.n ?? null, seen[other + 1]?.n]
  }

  it('shows any moment as it was observed then', async () => {
    for (const { at, forcedNow } of runs) {
      const rows = await read<ForcedNow>(`
        select ${FORCED_NOW.join(', ')} from identifai_reporting.classification_history
        where valid_from <= '${at}' and (valid_to > '${at}' or valid_to is null)`)
      expect(new Map(rows.map((row) => [row.identifier, row]))).toEqual(forcedNow)
    }
    const [first, last] = [runs[0], runs.at(-1)]
    expect(last?.forcedNow).not.toEqual(first?.forcedNow)
    const current = await read<ForcedNow>(
      `select ${FORCED_NOW.join(', ')} from identifai_reporting.classification_history where is_current`,
    )
    expect(current).toHaveLength(last?.forcedNow.size ?? 0)
    expect(new Map(current.map((row) => [row.identifier, row]))).toEqual(last?.forcedNow)
  })

  it('shows the time and source of submission of that time, without later updates', async () => {
    const query =
      'select classification_id, revision_no, submitted_at, source from identifai_reporting.classification_history order by 1, 2'
    const before = await read(query)
    await sql`update identifai.identifiers set submitted_at = '2026-05-05', source = 'later'`.execute(
      bench.app.db,
    )
    expect(await read(query)).toEqual(before)
    const now = await read('select distinct submitted_at, source from identifai_reporting.classifications')
    expect(now).toEqual([{ submitted_at: new Date('2026-05-05Z'), source: 'later' }])
    await sql`update identifai.identifiers set submitted_at = null, source = null`.execute(bench.app.db)
  })

  it('has observed every cause that it has to show', async () => {
    const causes = await read<{ cause: string }>(
      'select distinct unnest(causes) as cause from identifai.classification_revisions',
    )
    expect(causes.map(({ cause }) => cause)).toEqual(
      expect.arrayContaining([
        'first_seen',
        'status_changed',
        'forced',
        'force_changed',
        'already_forced',
        'heuristic_switched',
        'disappeared',
        'reappeared',
      ]),
    )
    const reanalyzing = await read(
      'select from identifai_reporting.classification_history where is_reanalyzing',
    )
    expect(reanalyzing).toHaveLength(3)
  })

  it('has one boolean for each cause of each revision', async () => {
    const rows = await read<{ causes: string[] } & Readonly<Record<string, unknown>>>(`
      select r.causes, h.* from identifai.classification_revisions as r
      join identifai_reporting.classification_history as h
        on h.classification_id = r.classification_id and h.revision_no = r.revision_no`)
    const [{ count: revisions }] = (await read(
      'select count(*) from identifai.classification_revisions',
    )) as [{ count: number }]
    expect(rows).toHaveLength(revisions)
    const all = new Set(rows.flatMap(({ causes }) => causes))
    for (const { causes, ...view } of rows) {
      const shown = Object.entries(view).flatMap(([key, value]) =>
        value === true && all.has(key) ? [key] : [],
      )
      expect(shown.toSorted()).toEqual([...causes].toSorted())
    }
  })

  it('dates each classification by the runs in which it was first seen, first done, first finished, and last changed its label', async () => {
    const rows = await read<
      Record<
        'identifier' | 'first_observed_at' | 'first_done_at' | 'finished_at' | 'verdict_changed_at',
        string
      >
    >(`
      select identifier, first_observed_at::text, first_done_at::text, finished_at::text, verdict_changed_at::text
      from identifai_reporting.classifications`)
    for (const row of rows) {
      const seen = runs.map(({ forcedNow }) => forcedNow.get(row.identifier))
      const finished = seen.flatMap((forcedNow, n) =>
        forcedNow && forcedNow.status !== 'new' ? [{ n, label: forcedNow.effective_classification }] : [],
      )
      const changes = finished.filter(({ label }, n) => n > 0 && label !== finished[n - 1]?.label)
      const done = seen.findIndex((forcedNow) => forcedNow?.status === 'done')
      const times = [row.first_observed_at, row.first_done_at, row.finished_at, row.verdict_changed_at]
      expect(times.map(runOf)).toEqual([
        seen.findIndex((forcedNow) => forcedNow !== undefined),
        done === -1 ? null : done,
        finished[0]?.n ?? null,
        changes.at(-1)?.n ?? null,
      ])
      if (row.identifier === 'failed') expect(finished.map(({ label }) => label)).toContain(null)
    }
    expect(rows.some(({ verdict_changed_at }) => verdict_changed_at !== null)).toBe(true)
  })

  it('has the events and decisions of the report, and also the already forced identifiers', async () => {
    const report = await readReport(bench.app.db, {
      media: 'audio',
      from: null,
      to: '2100-01-01',
      asOf: null,
    })
    const events = await read<Record<string, unknown>>(`
      select to_jsonb(e) - 'decision_key' as e from identifai_reporting.force_events as e where event <> 'already_forced'
      order by not_after, classification_id, revision_no`)
    expect(events.length).toBeGreaterThan(3)
    const valuesOf = personalValuesOf(report)
    expect(events.map(({ e }) => withUtc(e as object))).toEqual(
      report.events.map((event) => {
        const {
          in_period: _,
          decision: __,
          revision_no_before: ___,
          same_file_identifiers: ____,
          chain_position: _____,
          personal_commitment: ______,
          ...seen
        } = event
        const { salt: _salt, ...own } = valuesOf(event) ?? {}
        return { ...seen, ...own, media: 'audio' }
      }),
    )
    const found = await read<{ n: number }>(
      `select count(*) as n from identifai_reporting.force_events where event = 'already_forced' and not_before is null and forced_from is null`,
    )
    expect(found).toEqual([{ n: report.summary.period.already_forced }])
    expect(report.summary.period.already_forced).toBeGreaterThan(0)
    await expectDecisionsOf(bench.app.db, report)
  })

  it('lists the identifiers that are forced now, with interval and number of same-file identifiers', async () => {
    const rows = await read<Record<string, unknown>>(`
      select f.identifier, f.file_hash, f.same_file_identifiers, f.effective_classification, f.not_before, f.not_after,
        f.not_before::text as first, f.not_after::text as last, f.force_classification,
        f.decision_key, f.notes, f.author, e.not_before as expected_before, e.not_after as expected_after,
        e.decision_key as expected_key,
        (select count(*)::integer from identifai_reporting.override_notes as n where n.file_hash = f.file_hash
          and n.forced_to = f.force_classification and n.decision_key is not distinct from e.decision_key) as expected_notes
      from identifai_reporting.forced_classifications as f
      join lateral (select * from identifai_reporting.force_events as e
        where e.classification_id = f.classification_id order by e.not_after desc limit 1) as e on true`)
    const forcedNow = [...(runs.at(-1)?.forcedNow.values() ?? [])]
    const forced = forcedNow.filter(
      ({ force_classification, status }) => force_classification && status !== 'new',
    )
    expect(new Set(rows.map(({ identifier }) => identifier))).toEqual(
      new Set(forced.map(({ identifier }) => identifier)),
    )
    expect(rows).toHaveLength(forced.length)
    for (const row of rows) {
      expect(row.same_file_identifiers).toBe(
        forcedNow.filter(({ file_hash }) => file_hash === row.file_hash).length - 1,
      )
      expect([row.not_before, row.not_after]).toEqual([row.expected_before, row.expected_after])
      expect([row.first, row.last].map(runOf)).toEqual(runsAround(row))
      expect([row.decision_key, row.notes]).toEqual([row.expected_key, row.expected_notes])
      expect(row.author === null).toBe(row.notes === 0)
    }
    expect(rows.some(({ same_file_identifiers }) => same_file_identifiers === 1)).toBe(true)
  })
})

it('has author and reason of each forced label, from the latest note on the current decision', async () => {
  await using bench = await createTestApp()
  const { world } = bench.simulator
  const found = world.register({ count: 2, outcome: 'done' })
  const hashes = found.map((identifier) => world.hashOf(identifier) as string) as [string, string]
  world.override(hashes[1], 'artificial')
  await bench.enqueue(found)
  await bench.run()
  const forced = async (label: 'human' | 'artificial') => {
    world.override(hashes[0], label)
    await bench.makeAllDue()
    await bench.run()
  }
  const note = (file: string, label: string, author: string) =>
    sql`insert into identifai.override_notes (file_hash, forced_to, author, reason)
      values (${file}, ${label}, ${author}, 'r')`.execute(bench.app.db)
  const forcedNow = async () => {
    const { rows } = await sql`select file_hash, notes, author, decision_key is null as was_found
      from identifai_reporting.forced_classifications order by file_hash = ${hashes[1]}`.execute(bench.app.db)
    return rows
  }
  const alreadyForced = { file_hash: hashes[1], notes: 0, author: null, was_found: true }
  await sql`insert into identifai.media (media) values ('image')`.execute(bench.app.db)
  await sql`insert into identifai.override_notes (media, file_hash, forced_to, author, reason)
    values ('image', ${hashes[1]}, 'artificial', 'of another medium', 'r')`.execute(bench.app.db)
  await forced('human')
  await note(hashes[0], 'human', 'A. Rossi')
  expect(await forcedNow()).toEqual([
    { file_hash: hashes[0], notes: 1, author: 'A. Rossi', was_found: false },
    alreadyForced,
  ])
  await note(hashes[0], 'human', 'A. Rossi, corrected')
  await forced('artificial')
  expect(await forcedNow()).toEqual([
    { file_hash: hashes[0], notes: 0, author: null, was_found: false },
    alreadyForced,
  ])
  await forced('human')
  expect(await forcedNow()).toEqual([
    { file_hash: hashes[0], notes: 0, author: null, was_found: false },
    alreadyForced,
  ])
  await note(hashes[0], 'human', 'B. Neri')
  await note(hashes[0], 'human', 'B. Neri, corrected')
  await note(hashes[1], 'artificial', 'C. Verdi')
  expect(await forcedNow()).toEqual([
    { file_hash: hashes[0], notes: 2, author: 'B. Neri, corrected', was_found: false },
    { ...alreadyForced, notes: 1, author: 'C. Verdi' },
  ])
  await sql`insert into identifai.override_notes (file_hash, forced_to, author, reason, corrects)
    select file_hash, forced_to, 'B. Neri, in correction ' || n, 'r', note_id
    from identifai.override_notes, generate_series(1, 2) as n where author = 'B. Neri' order by n`.execute(
    bench.app.db,
  )
  expect((await forcedNow())[0]).toMatchObject({ notes: 2, author: 'B. Neri, corrected' })
  const { rows: notes } = await sql`select author from identifai_reporting.override_notes
    where not is_current order by note_id`.execute(bench.app.db)
  expect(notes).toEqual([{ author: 'B. Neri' }, { author: 'B. Neri, in correction 1' }])
  const { rows: explained } = await sql`select author, corrections from identifai_reporting.force_decisions
    where file_hash = ${hashes[0]} and corrections > 0`.execute(bench.app.db)
  expect(explained).toEqual([{ author: 'B. Neri, in correction 2', corrections: 2 }])
  const { rows: work } = await sql`select from identifai_reporting.review_worklist
    where reason_codes like '%no_note%'`.execute(bench.app.db)
  expect(work).toEqual([])
})

const DAY = 86_400_000
const dayOf = (day: number) => new Date(Date.UTC(2026, 0, 1) + day * DAY)

interface DescribedEvent {
  readonly file: number
  readonly label: string | null
  readonly before: string | null
  readonly from: number
  readonly to: number
}

interface DescribedNote {
  readonly file: number
  readonly label: string
  readonly at: Date
  /** Corrects one of the notes before it on the same file and label, if there is one. */
  readonly isCorrection?: boolean
}

/** Seals a history, compares the decisions of the views with those of its report, and returns the latter. */
async function decisionsOf(events: readonly DescribedEvent[], notes: readonly DescribedNote[]) {
  await using database = await createTestDatabase()
  const { db } = database
  await trackFinished(db, events.length, { enqueuedAt: '2026-01-01', confirmedAt: '2026-06-01' })
  await sealHistory(
    db,
    events.flatMap(({ file, label, before, from, to }, n): DescribedRevision[] => {
      const base = { classification_id: n + 1, file_hash: file === 2 ? null : `file-${file}` }
      const force = {
        previous_confirmed_at: dayOf(from),
        observed_at: dayOf(to),
        force_classification: label,
      }
      const cause = label === null ? 'unforced' : before === null ? 'forced' : 'force_changed'
      return [
        {
          ...base,
          revision_no: 1,
          observed_at: dayOf(0),
          causes: ['first_seen'],
          force_classification: before,
        },
        { ...base, ...force, revision_no: 2, causes: [cause] },
      ]
    }),
  )
  await sql`alter table identifai.override_notes disable trigger override_notes_stamp`.execute(db)
  for (const [n, { file, label, at, isCorrection = false }] of notes.entries()) {
    await sql`insert into identifai.override_notes (file_hash, forced_to, author, reason, noted_at, corrects)
      select ${`file-${file}`}, ${label}, ${`author ${n}`}, 'r', ${at}, (
        select max(note_id) from identifai.override_notes
        where ${isCorrection} and file_hash = ${`file-${file}`} and forced_to = ${label} and corrects is null)`.execute(
      db,
    )
  }
  await sealHistory(db, [])
  const report = await readReport(db, { media: 'audio', from: null, to: '2100-01-01', asOf: null })
  await expectDecisionsOf(db, report)
  return report.decisions
}

it('separates decisions as the report does, for any intervals, labels and notes', async () => {
  const day = fc.integer({ min: 0, max: 40 })
  const story = fc.record({
    events: fc.array(
      fc
        .record({
          file: fc.nat(2),
          label: fc.constantFrom('human', 'human', 'artificial', null),
          before: fc.constantFrom('human', null),
          from: day,
          length: fc.integer({ min: 1, max: 9 }),
        })
        .map(({ length, ...event }) => ({ ...event, to: event.from + length })),
      { minLength: 6, maxLength: 16 },
    ),
    notes: fc.array(
      fc
        .record({
          file: fc.nat(1),
          label: fc.constantFrom('human', 'human', 'artificial', 'none'),
          day,
          isCorrection: fc.boolean(),
        })
        .map(({ day: noted, ...note }) => ({ ...note, at: dayOf(noted) })),
      { maxLength: 8 },
    ),
  })
  for (const { events, notes } of fc.sample(story, 10)) await decisionsOf(events, notes)
})

it('counts a note for the latest decision before it, and as late after seven days, as the report does', async () => {
  const forced = { file: 0, label: 'human', before: null }
  const events = [
    { ...forced, from: 1, to: 2 },
    { ...forced, from: 10, to: 11 },
    { ...forced, from: 20, to: 21 },
    { ...forced, from: 30, to: 31 },
  ]
  const note = (day: number, milliseconds = 0) => ({
    file: 0,
    label: 'human',
    at: new Date(dayOf(day).getTime() + milliseconds),
  })
  const notes = [note(0), note(18), note(28, 1), note(29), note(30)]
  const explanations = (await decisionsOf(events, notes)).map(({ explained_by, explanation }) => [
    explained_by,
    explanation,
  ])
  expect(explanations).toEqual([
    [null, 'unexplained'],
    [2, 'explained'],
    [3, 'explained_late'],
    // It can have happened at the moment of the note.
    [5, 'explained'],
  ])
})

it('begins a decision where an event cannot have happened together with all before it', async () => {
  const forced = { file: 0, label: 'human', before: null }
  const decisions = await decisionsOf(
    [
      { ...forced, from: 1, to: 10 },
      { ...forced, from: 2, to: 5 },
      { ...forced, from: 7, to: 20 },
    ],
    [],
  )
  expect(decisions.map(({ identifiers }) => identifiers)).toEqual([2, 1])
})

it('shows the last finished content with an unfinished record, which may already be forced', async () => {
  await using database = await createTestDatabase()
  const { db } = database
  await trackFinished(db, 1, { enqueuedAt: '2026-01-01', confirmedAt: '2026-01-03' })
  const revision = (revision_no: number, more: Partial<DescribedRevision>): DescribedRevision => ({
    classification_id: 1,
    revision_no,
    observed_at: dayOf(revision_no),
    name: `name ${revision_no}`,
    source: `source ${revision_no}`,
    causes: ['metadata_changed'],
    ...more,
  })
  const unfinished = {
    status: 'new',
    force_classification: 'human',
    machine_classification: null,
    machine_confidence: null,
    machine_heuristic: null,
  } as const
  await sealHistory(db, [
    revision(1, { causes: ['first_seen'] }),
    revision(2, unfinished),
    revision(3, { force_classification: 'human', previous_confirmed_at: dayOf(1), causes: ['forced'] }),
    revision(4, unfinished),
  ])
  const { rows } = await sql`
    select status, is_reanalyzing, effective_classification as label, force_classification as forced_to,
      machine_classification as machine, name, source
    from identifai_reporting.classification_history order by revision_no`.execute(db)
  const shown = {
    status: 'done',
    is_reanalyzing: false,
    label: 'artificial',
    forced_to: null,
    machine: 'artificial',
  }
  const forced = { ...shown, label: 'human', forced_to: 'human' }
  expect(rows).toEqual([
    { ...shown, name: 'name 1', source: 'source 1' },
    { ...shown, is_reanalyzing: true, name: 'name 1', source: 'source 2' },
    { ...forced, name: 'name 3', source: 'source 3' },
    { ...forced, is_reanalyzing: true, name: 'name 3', source: 'source 4' },
  ])
  const { rows: events } = await sql`
    select revision_no, forced_from, forced_to, machine_classification_before as machine
    from identifai_reporting.force_events`.execute(db)
  expect(events).toEqual([{ revision_no: 3, forced_from: null, forced_to: 'human', machine: 'artificial' }])
})

async function expectDecisionsOf(
  db: TestApp['app']['db'],
  report: Awaited<ReturnType<typeof readReport>>,
): Promise<void> {
  const { rows } = await sql<{ d: object }>`
    select to_jsonb(d) as d from identifai_reporting.force_decisions as d`.execute(db)
  const keys = await keysOfDecisions(db, report)
  const expected = report.decisions.map(({ notes, ...decision }) => {
    const [note] = currentNotes(notes)
    return {
      decision_key: keys.get(decision.decision),
      file_hash: decision.file_hash,
      forced_from: decision.forced_from,
      forced_to: decision.forced_to,
      not_before: decision.not_before,
      not_after: decision.not_after,
      identifiers: decision.identifiers,
      explained_by: decision.explained_by,
      corrections: note?.corrections ?? null,
      explanation: decision.explanation,
      author: note?.author ?? null,
      reason: note?.reason ?? null,
      ticket: note?.ticket ?? null,
      reviewer: note?.reviewer ?? null,
      noted_at: notes[0]?.noted_at ?? null,
      media: 'audio',
    }
  })
  const text = (row: object) =>
    JSON.stringify(Object.entries(row).toSorted(([one], [other]) => (one < other ? -1 : 1)))
  expect(rows.map(({ d }) => text(withUtc(d))).toSorted()).toEqual(expected.map(text).toSorted())
}

/** The key that all events of a decision share, and no others; its notes have it, too. */
async function keysOfDecisions(
  db: TestApp['app']['db'],
  report: Awaited<ReturnType<typeof readReport>>,
): Promise<Map<number, string>> {
  const { rows: events } = await sql<{
    classification_id: number
    revision_no: number
    decision_key: string
  }>`
    select classification_id, revision_no, decision_key from identifai_reporting.force_events
    where event <> 'already_forced'`.execute(db)
  const keys = new Map<number, string>()
  for (const { decision, ...seen } of report.events) {
    const event = events.find(
      (one) => one.classification_id === seen.classification_id && one.revision_no === seen.revision_no,
    )
    expect(event?.decision_key).toEqual(keys.get(decision) ?? expect.any(String))
    keys.set(decision, event?.decision_key ?? '')
  }
  expect(new Set(keys.values()).size).toBe(keys.size)
  const { rows: notes } = await sql<{ note_id: number; decision_key: string | null }>`
    select note_id, decision_key from identifai_reporting.override_notes order by note_id`.execute(db)
  const explained = report.decisions.flatMap(({ decision, notes: of }) =>
    of.map(({ note_id }) => [note_id, keys.get(decision)] as const),
  )
  expect(notes.map(({ note_id, decision_key }) => [note_id, decision_key])).toEqual(
    notes.map(({ note_id }) => [note_id, new Map(explained).get(note_id) ?? null]),
  )
  return keys
}

/** Times of JSON as the report writes them: UTC with six digits. */
function withUtc(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]: [string, unknown]) => {
      const [, seconds, fraction = ''] =
        typeof value === 'string'
          ? (/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?\+00:00$/.exec(value) ?? [])
          : []
      return [key, seconds ? `${seconds}.${fraction.padEnd(6, '0')}Z` : value]
    }),
  )
}
