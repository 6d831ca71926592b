import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { prunePayloads } from '../../src/compliance/history/prune-payloads.ts'
import { retire } from '../../src/pipeline/queue/retire.ts'
import { type ReportRequest, readReport } from '../../src/compliance/report/read-report.ts'
import { RevisionLeaves } from '../../src/pipeline/seal/revision-leaves.ts'
import { lockChain, sealRun } from '../../src/pipeline/seal/seal-run.ts'
import { readClock } from '../../src/platform/postgres/clock.ts'
import { connect } from '../../src/platform/postgres/connect.ts'
import { refuseIncomplete } from '../../src/compliance/report/refuse-incomplete.ts'
import type { Report } from '../../src/compliance/report/report.ts'
import { reportSchema } from '../../src/compliance/report/report-schema.ts'
import { closeRun, newRun, openRun } from '../../src/pipeline/run/run-rows.ts'
import { addNote } from '../support/add-note.ts'
import {
  sealHistory,
  type DescribedRevision,
  trackFinished,
  writeRevisions,
} from '../support/seal-history.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'
import { createTestApp } from '../support/test-app.ts'

const at = (day: number, hour = 0) =>
  `2026-07-${String(day).padStart(2, '0')}T${String(hour).padStart(2, '0')}:00:00.000000Z`

const NEVER = new AbortController().signal

/** First sight of identifiers, unforced, on the first of July. */
const firstRevision = (ids: readonly number[], more: Partial<DescribedRevision> = {}): DescribedRevision[] =>
  ids.map((id) => ({
    classification_id: id,
    revision_no: 1,
    observed_at: at(1),
    causes: ['first_seen'],
    ...more,
  }))

const forced = (
  id: number,
  from: string,
  to: string,
  more: Partial<DescribedRevision> = {},
): DescribedRevision => ({
  classification_id: id,
  revision_no: 2,
  previous_confirmed_at: from,
  observed_at: to,
  causes: ['forced'],
  force_classification: 'human',
  ...more,
})

describe('the report', () => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await createTestDatabase()
  })
  afterEach(() => database[Symbol.asyncDispose]())

  const report = (request: Partial<ReportRequest> = {}): Promise<Report> =>
    readReport(database.db, { media: 'audio', from: at(10), to: at(20), asOf: null, ...request })

  it('lists what lies in the period, certainly or possibly, and summarizes it', async () => {
    const { db } = database
    await sealHistory(db, [
      ...firstRevision([1, 2, 3, 4, 5, 6]),
      ...firstRevision([7], {
        force_classification: 'human',
        causes: ['first_seen', 'already_forced'],
        observed_at: at(12),
      }),
      ...firstRevision([8], {
        force_classification: 'human',
        causes: ['first_seen', 'already_forced'],
        observed_at: at(5),
      }),
    ])
    await sealHistory(db, [
      forced(1, at(11), at(12), {
        file_hash: 'f',
        source: 'calls',
        name: 'a.wav',
        ref_id: 'r',
        submitted_at: at(1),
      }),
      forced(2, at(11, 12), at(13), { file_hash: 'f', source: 'calls' }),
      forced(3, at(9), at(11), { machine_classification: 'human', machine_confidence: 0.6 }),
      forced(4, at(19), at(20), { machine_confidence: 0.89, machine_heuristic: 'Average' }),
      forced(5, at(20), at(21)),
      forced(6, at(8), at(9)),
    ])
    const { summary, decisions, events, head } = await report()
    expect(
      events.map(({ classification_id, in_period, decision }) => [classification_id, in_period, decision]),
    ).toEqual([
      [3, 'possibly', 1],
      [1, 'certainly', 2],
      [2, 'certainly', 2],
      [4, 'possibly', 3],
    ])
    expect(events[1]).toEqual({
      event: 'forced',
      in_period: 'certainly',
      decision: 2,
      classification_id: 1,
      revision_no: 2,
      revision_no_before: 1,
      identifier: 'id-1',
      ref_id: 'r',
      name: 'a.wav',
      source: 'calls',
      submitted_at: at(1),
      file_hash: 'f',
      forced_from: null,
      forced_to: 'human',
      not_before: at(11),
      not_after: at(12),
      force_origin: 'not_c2pa_path',
      machine_classification_before: 'artificial',
      machine_confidence_before: 0.97,
      machine_heuristic_before: 'Majority',
      machine_classification_after: 'artificial',
      machine_confidence_after: 0.97,
      machine_heuristic_after: 'Majority',
      same_file_identifiers: 1,
      result_url: null,
      run_id: head.as_of.run_id,
      chain_position: 2,
    })
    expect(decisions[1]).toEqual({
      decision: 2,
      in_period: 'certainly',
      file_hash: 'f',
      forced_from: null,
      forced_from_differs: false,
      forced_to: 'human',
      not_before: at(11, 12),
      not_after: at(12),
      identifiers: 2,
      tracked: 2,
      explanation: 'unexplained',
      explained_by: null,
      notes: [],
    })
    expect(summary).toEqual({
      now: {
        with_result: 8,
        forced: 8,
        forced_share: 1,
        machine_to_forced: [
          { machine: 'artificial', forced_to: 'human', identifiers: 7 },
          { machine: 'human', forced_to: 'human', identifiers: 1 },
        ],
      },
      period: {
        events: 4,
        events_certainly: 2,
        events_possibly: 2,
        identifiers: 4,
        decisions: 3,
        decisions_certainly: 1,
        decisions_possibly: 2,
        already_forced: 1,
        explained: 0,
        explained_late: 0,
        unexplained: 3,
        machine_to_forced: [
          { machine: 'artificial', forced_to: 'human', events: 3 },
          { machine: 'human', forced_to: 'human', events: 1 },
        ],
        against_machine: 3,
        against_machine_confidence_090: 2,
        by_heuristic: [
          { heuristic: 'Majority', events: 3 },
          { heuristic: 'Average', events: 1 },
        ],
        by_source: [
          { source: 'calls', events: 2 },
          { source: null, events: 2 },
        ],
        // 2026-07-06 and 2026-07-13 and 2026-07-20 are Mondays.
        by_week: [
          { week: '2026-07-06', events: 2, decisions: 2 },
          { week: '2026-07-13', events: 1, decisions: 0 },
          { week: '2026-07-20', events: 1, decisions: 1 },
        ],
      },
    })
  })

  it('says from what to what, before and after, through a new analysis and another label', async () => {
    const { db } = database
    await sealHistory(db, [
      ...firstRevision([1]),
      forced(1, at(1), at(2), { force_classification: 'artificial' }),
      {
        classification_id: 1,
        revision_no: 3,
        observed_at: at(3),
        causes: ['status_changed'],
        status: 'new',
        force_classification: 'artificial',
      },
      forced(1, at(2), at(11), {
        revision_no: 4,
        causes: ['status_changed', 'force_changed'],
        machine_classification: 'human',
        machine_confidence: 0.7,
        machine_heuristic: 'Average',
      }),
      forced(1, at(11), at(12), { revision_no: 5, causes: ['unforced'], force_classification: null }),
    ])
    const { events } = await report()
    expect(events).toMatchObject([
      {
        event: 'force_changed',
        forced_from: 'artificial',
        forced_to: 'human',
        force_origin: 'not_c2pa_path',
        revision_no_before: 2,
        machine_classification_before: 'artificial',
        machine_confidence_before: 0.97,
        machine_classification_after: 'human',
        machine_confidence_after: 0.7,
        machine_heuristic_after: 'Average',
      },
      { event: 'unforced', forced_from: 'human', forced_to: null, force_origin: 'undetermined' },
    ])
  })

  it('calls the origin of a change from one label to artificial undetermined', async () => {
    await sealHistory(database.db, [
      ...firstRevision([1], { force_classification: 'human', causes: ['first_seen', 'already_forced'] }),
      forced(1, at(11), at(12), { causes: ['force_changed'], force_classification: 'artificial' }),
    ])
    expect((await report()).events).toMatchObject([{ forced_to: 'artificial', force_origin: 'undetermined' }])
  })

  it('calls the origin of a force to artificial, after the analysis had ended unforced, another than C2PA', async () => {
    await sealHistory(database.db, [
      ...firstRevision([1]),
      forced(1, at(11), at(12), { force_classification: 'artificial' }),
    ])
    expect((await report()).events).toMatchObject([
      { forced_to: 'artificial', force_origin: 'not_c2pa_path' },
    ])
  })

  it('lists a decision that its other events place outside the period, but does not count it', async () => {
    await sealHistory(database.db, [
      ...firstRevision([1, 2], { file_hash: 'f' }),
      forced(1, at(8), at(15), { file_hash: 'f' }),
      forced(2, at(8), at(9), { file_hash: 'f' }),
    ])
    const { events, decisions, summary } = await report()
    expect(events.map(({ classification_id, in_period }) => [classification_id, in_period])).toEqual([
      [2, 'no'],
      [1, 'possibly'],
    ])
    expect(decisions).toMatchObject([{ in_period: 'no', identifiers: 2, not_after: at(9) }])
    expect(summary.period).toMatchObject({ events: 1, decisions: 0, decisions_possibly: 0, unexplained: 0 })
  })

  it('tells a decision whose identifiers were forced from different labels', async () => {
    await sealHistory(database.db, [
      ...firstRevision([1], { file_hash: 'f' }),
      ...firstRevision([2], {
        file_hash: 'f',
        force_classification: 'artificial',
        causes: ['first_seen', 'already_forced'],
      }),
      forced(1, at(11), at(12), { file_hash: 'f' }),
      forced(2, at(11), at(12), { file_hash: 'f', causes: ['force_changed'] }),
    ])
    expect((await report()).decisions).toMatchObject([
      { forced_from: null, forced_from_differs: true, identifiers: 2 },
    ])
  })

  it('shows a decision with the notes that were sealed by the as-of, and no later ones', async () => {
    const { db } = database
    await sealHistory(db, [
      ...firstRevision([1], { file_hash: 'f' }),
      forced(1, at(11), at(12), { file_hash: 'f' }),
    ])
    await addNote(db, 'f')
    expect((await report()).decisions).toMatchObject([{ explanation: 'unexplained', notes: [] }])
    await sealHistory(db, [])
    await addNote(db, 'f')
    const { decisions, summary } = await report()
    // The history is of July, the note of today.
    expect(decisions).toMatchObject([
      { explanation: 'explained_late', explained_by: 1, notes: [{ author: 'A' }] },
    ])
    expect(summary.period).toMatchObject({ explained: 0, explained_late: 1, unexplained: 0 })
  })

  it('counts those forced now by their latest finished answer, whatever came of them since', async () => {
    await sealHistory(database.db, [
      ...firstRevision([1, 2, 3, 4]),
      forced(1, at(2), at(3)),
      { classification_id: 1, revision_no: 3, observed_at: at(4), causes: ['status_changed'], status: 'new' },
      {
        classification_id: 1,
        revision_no: 4,
        observed_at: at(5),
        causes: ['metadata_changed'],
        status: 'new',
      },
      forced(2, at(2), at(3)),
      forced(2, at(2), at(3), { revision_no: 3, causes: ['disappeared'] }),
      { classification_id: 5, revision_no: 1, observed_at: at(4), causes: ['first_seen'], status: 'new' },
    ])
    const { summary } = await report()
    expect(summary.now).toMatchObject({ with_result: 4, forced: 2, forced_share: 0.5 })
  })

  it('has the same digest in whatever order the server gives the rows, without file hashes, too', async () => {
    const { db } = database
    const ids = [1, 2, 3, 4, 5, 6]
    await sealHistory(db, [
      ...firstRevision(ids, { file_hash: null }),
      ...ids.map((id) => forced(id, at(11), at(12), { file_hash: null })),
    ])
    const digests = new Set([(await report()).data_digest])
    for (const setting of ['enable_hashjoin', 'enable_mergejoin', 'enable_nestloop', 'enable_indexscan']) {
      const url = new URL(database.url)
      url.searchParams.set('options', `-c ${setting}=off`)
      const other = connect({ connectionString: url.href, maxConnections: 1 }).db
      const request = { media: 'audio', from: at(10), to: at(20), asOf: null }
      digests.add((await readReport(other, request)).data_digest)
      await other.destroy()
    }
    expect(digests.size).toBe(1)
  })

  it('counts the siblings of an event by the file that it was forced in, though its own hash has changed since', async () => {
    await sealHistory(database.db, [
      ...firstRevision([1, 2], { file_hash: 'f' }),
      forced(1, at(11), at(12), { file_hash: 'f' }),
      forced(1, at(12), at(13), { revision_no: 3, causes: ['hash_changed'], file_hash: 'g' }),
    ])
    expect((await report()).events).toMatchObject([{ file_hash: 'f', same_file_identifiers: 1 }])
  })

  it('refuses an as-of in the future, and one that no year has', async () => {
    await sealHistory(database.db, [])
    await expect(report({ asOf: '2100-01-01' })).rejects.toThrow(/lies in the future/)
    await expect(report({ to: '9999-12-31T23:59:59-05:00' })).rejects.toThrow(/years 1 to 9999/)
    await expect(report({ from: '0001-01-01T00:00+14:00' })).rejects.toThrow(/years 1 to 9999/)
  })

  it('waits with an as-of for a run that ended by then and is still being sealed', async () => {
    const { db } = database
    await sealHistory(db, [])
    await trackFinished(db, 1, { enqueuedAt: at(1), confirmedAt: at(1) })
    const held = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<string>()
    const sealing = db.transaction().execute(async (trx) => {
      await lockChain(trx)
      const run = newRun('manual')
      await openRun(trx, run)
      await sql`update identifai.sync_runs set status = 'succeeded', finished_at = clock_timestamp(), tracked_count = 1,
        pending_count = 0, done_count = 1, errored_count = 0, missing_count = 0, quarantined_count = 0, retired_count = 0,
        reanalyzing_count = 0, unsealed_runs = 0 where run_id = ${run.runId}`.execute(trx)
      await sealRun(trx, run.runId, new RevisionLeaves())
      ended.resolve(await readClock(trx))
      await held.promise
    })
    const made = report({ asOf: await ended.promise })
    await new Promise((resolve) => setTimeout(resolve, 50))
    held.resolve()
    await sealing
    expect((await made).head.as_of.chain_position).toBe(2)
  })

  it('waits for the earlier content of two runs at once before it shows the later', async () => {
    const { db } = database
    const slow = newRun('manual')
    await openRun(db, slow)
    await sealHistory(db, firstRevision([1]))
    await writeRevisions(db, slow.runId, [forced(1, at(11), at(12))])
    await sealHistory(db, [
      forced(1, at(12), at(13), {
        revision_no: 3,
        causes: ['force_changed'],
        force_classification: 'artificial',
      }),
    ])
    const before = await report()
    expect(before.events).toEqual([])
    expect(before.summary.now.forced).toBe(0)
    expect(before.head.coverage.gaps.map(({ gap }) => gap)).toContain('unsealed')
    await closeRun(db, slow.runId, { status: 'succeeded', error: null })
    const after = await report()
    expect(after.events.map(({ event, forced_from }) => [event, forced_from])).toEqual([
      ['forced', null],
      ['force_changed', 'human'],
    ])
    expect(await report({ asOf: before.head.as_of.finished_at })).toMatchObject({
      data_digest: before.data_digest,
    })
  })

  it('refuses an empty period, and a time by which no run had ended', async () => {
    await expect(report()).rejects.toMatchObject({ name: 'UsageError', exitCode: 2 })
    await sealHistory(database.db, [])
    await expect(report({ asOf: at(1) })).rejects.toThrow(/no pass had ended by 2026-07-01/)
    await expect(report({ from: at(20), to: at(20) })).rejects.toThrow(/empty/)
  })

  it('ends where complete knowledge does when no end is given, and begins at the beginning when no start is', async () => {
    await trackFinished(database.db, 2, { enqueuedAt: at(1), confirmedAt: '2026-07-15T00:00:00.000007Z' })
    await sealHistory(database.db, [])
    const { head } = await report({ from: null, to: null })
    expect(head.period).toEqual({ from: null, to: '2026-07-15T00:00:00.000007Z' })
    expect(head.coverage.is_complete).toBe(true)
  })

  it('takes times in any zone', async () => {
    await sealHistory(database.db, [])
    const { head } = await report({ from: '2026-07-01T02:00:00.5+02:00', to: '2026-07-02' })
    expect(head.period).toEqual({ from: '2026-07-01T00:00:00.500000Z', to: at(2) })
  })

  describe('its gate', () => {
    const refusal = async (request: Partial<ReportRequest> = {}) =>
      refuseIncomplete(database.db, await report(request)).catch((error: Error) => error)

    it('lets a period pass whose every identifier was finished or retired, and confirmed at its end or later', async () => {
      const { db } = database
      await trackFinished(db, 3, { enqueuedAt: at(1), confirmedAt: at(20) })
      await sql`insert into identifai.identifiers (identifier, enqueued_at) values ('late', ${at(20)}), ('given up', ${at(2)})`.execute(
        db,
      )
      await retire(db, { media: 'audio', identifiers: ['given up'], reason: 'test call' })
      await sealHistory(db, [])
      expect(await refusal()).toBeUndefined()
      const { coverage } = (await report()).head
      expect(coverage).toMatchObject({
        is_complete: true,
        gaps: [],
        tracked: 5,
        finished: 3,
        pending: 1,
        retired: 1,
        retired_reasons: [{ reason: 'test call', identifiers: 1 }],
        confirmed_since: at(20),
        unfinished_enqueued_since: at(20),
      })
    })

    it.each(['pending', 'missing', 'quarantined'])(
      'refuses when an identifier from before its end is %s, and names it',
      async (state) => {
        const { db } = database
        await sql`insert into identifai.identifiers (identifier, state, enqueued_at)
        select 'open-' || n, ${state}, ${at(19)} from generate_series(1, 7) as n`.execute(db)
        await sealHistory(db, [])
        const refused = await refusal()
        expect(refused).toMatchObject({ name: 'ReportRefusedError', exitCode: 6 })
        expect(refused?.message).toMatch(
          /At this moment 7: open-1, open-2, open-3, open-4, open-5, and 2 more\..* retire .*--allow-incomplete/s,
        )
        expect((await report()).head.coverage).toMatchObject({
          is_complete: false,
          gaps: [{ gap: 'unfinished' }],
        })
      },
    )

    it('refuses when a finished identifier was last confirmed before its end, and names it', async () => {
      const { db } = database
      await trackFinished(db, 2, { enqueuedAt: at(1), confirmedAt: '2026-07-19T23:59:59.999999Z' })
      await sealHistory(db, [])
      const refused = await refusal()
      expect(refused).toMatchObject({ exitCode: 6 })
      expect(refused?.message).toMatch(/At this moment 2: id-1, id-2\..*sync --refresh-all/s)
      expect((await report()).head.coverage.gaps.map(({ gap }) => gap)).toEqual(['unconfirmed'])
      expect(await refusal({ to: '2026-07-19T23:59:59.999999Z' })).toBeUndefined()
    })

    it('refuses while a finished identifier is being analyzed again, whose force cannot be seen', async () => {
      const { db } = database
      await trackFinished(db, 1, { enqueuedAt: at(1), confirmedAt: at(20) })
      const unfinished = {
        classification_id: 1,
        revision_no: 2,
        observed_at: at(19),
        causes: ['status_changed'],
        status: 'new' as const,
      }
      await sealHistory(db, [...firstRevision([1]), unfinished])
      expect(await refusal()).toMatchObject({
        exitCode: 6,
        message: expect.stringContaining('analyzed again'),
      })
      expect((await report()).head.coverage).toMatchObject({ reanalyzing: 1, gaps: [{ gap: 'reanalyzing' }] })
      await sealHistory(db, [{ ...unfinished, revision_no: 3, observed_at: at(20), status: 'done' }])
      expect(await refusal()).toBeUndefined()
    })

    it('refuses a period that was not over when the run ended', async () => {
      await sealHistory(database.db, [])
      expect(await refusal({ to: '2100-01-01' })).toMatchObject({ exitCode: 6 })
    })

    it('goes by what the run sealed, not by what has become of it since', async () => {
      const { db } = database
      await trackFinished(db, 1, { enqueuedAt: at(1), confirmedAt: at(15) })
      const { finished_at } = await sealHistory(db, [])
      await sql`update identifai.identifiers set last_confirmed_at = now()`.execute(db)
      const refused = await refusal({ asOf: (finished_at as Date).toISOString().replace('Z', '999Z') })
      expect(refused?.message).toMatch(/By now there is none left\. Run a pass/)
    })
  })

  it('is as its JSON Schema says, and the schema in docs/ is that of the code', async () => {
    await sealHistory(database.db, [...firstRevision([1]), forced(1, at(11), at(12))])
    await addNote(database.db, 'hash-1')
    await sealHistory(database.db, [])
    const file = new URL('../../docs/report.schema.json', import.meta.url)
    const schema = JSON.parse(readFileSync(file, 'utf8'))
    expect(schema).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(reportSchema))))
    const ajv = new Ajv2020({ strict: false })
    addFormats.default(ajv)
    const isValid = ajv.compile(schema)
    const made = JSON.parse(JSON.stringify(await report()))
    expect(isValid(made), JSON.stringify(isValid.errors)).toBe(true)
    expect(made.decisions[0].notes).toHaveLength(1)
    expect(isValid({ ...made, events: [{ ...made.events[0], forced_by: 'a person' }] })).toBe(false)
  })
})

describe('a report made again', () => {
  it('has the same digest as then, over later changes, notes, prunes and an upgrade', async () => {
    await using bench = await createTestApp({ world: { seed: 53 } })
    const { app, simulator } = bench
    const { world } = simulator
    const identifiers = world.register({ count: 120 })
    await bench.enqueue(identifiers)
    await bench.run()
    const hashes = [10, 30, 50].map((position) => world.hashOf(identifiers[position] as string) as string)
    for (const hash of hashes) world.override(hash, 'human')
    await bench.run({ refreshAll: true })
    await addNote(app.db, hashes[0] as string)
    const last = await bench.run({ refreshAll: true })
    const request = { media: 'audio', from: null, to: null, asOf: null }
    const then = await readReport(app.db, request)
    expect(then.events.length).toBeGreaterThanOrEqual(3)
    expect(then.summary.period.explained).toBe(1)
    expect(then.head.as_of.run_id).toBe(last.run_id)

    for (const hash of hashes) world.override(hash, 'artificial')
    world.defaultHeuristic = 'Average'
    for (const identifier of identifiers.slice(0, 10)) world.reanalyze(identifier, 1)
    await addNote(app.db, hashes[1] as string)
    await retire(app.db, { media: 'audio', identifiers: identifiers.slice(50, 60), reason: 'over' })
    await bench.enqueue(world.register({ count: 30 }))
    await bench.run({ refreshAll: true })
    await sql`update identifai.identifiers set source = 'changed', submitted_at = now()`.execute(app.db)
    expect(
      (await prunePayloads(app.db, { olderThanDays: -1, isDryRun: false, signal: NEVER })).removed,
    ).toBeGreaterThan(50)
    for (const table of ['sync_runs', 'classification_revisions', 'override_notes']) {
      await sql`alter table ${sql.table(`identifai.${table}`)} add column added_by_upgrade text`.execute(
        app.db,
      )
    }
    await bench.run({ refreshAll: true })

    const { period, as_of } = then.head
    const again = await readReport(app.db, { ...request, to: period.to, asOf: as_of.finished_at })
    expect(again.data_digest).toBe(then.data_digest)
    const differing = Object.keys(then).filter(
      (key) => JSON.stringify(then[key as keyof Report]) !== JSON.stringify(again[key as keyof Report]),
    )
    expect(differing).toEqual(['generated_at'])
    const now = await readReport(app.db, request)
    expect(now.events.length).toBeGreaterThan(then.events.length)
    expect(now.data_digest).not.toBe(then.data_digest)
  })
})

describe('the one limit', () => {
  it('does not see a change that is undone between two asks', async () => {
    await using bench = await createTestApp({ world: { seed: 59 } })
    const { world } = bench.simulator
    const [identifier] = world.register({ count: 1, outcome: 'done' }) as [string]
    const hash = world.hashOf(identifier) as string
    world.override(hash, 'human')
    await bench.enqueue([identifier])
    await bench.run()
    world.override(hash, 'artificial')
    world.override(hash, 'human')
    await bench.run({ refreshAll: true })
    const { events, summary } = await readReport(bench.app.db, {
      media: 'audio',
      from: null,
      to: null,
      asOf: null,
    })
    expect(events).toEqual([])
    expect(summary.period.already_forced).toBe(1)
  })
})
