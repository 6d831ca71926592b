import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prunePayloads } from '../../../../../src/compliance/history/prune-payloads.ts'
import { redact } from '../../../../../src/compliance/history/redact.ts'
import { verifyChain } from '../../../../../src/compliance/verify/verify-chain.ts'
import { type ReportRequest, readReport } from '../../../../../src/compliance/report/read/read-report.ts'
import type { Report } from '../../../../../src/compliance/report/schema.ts'
import { argumentEntries } from '../../../../../src/pipeline/queue/input/read-arguments.ts'
import { retire } from '../../../../../src/pipeline/queue/retire.ts'
import { closeRun, newRun, openRun } from '../../../../../src/pipeline/run/run-rows.ts'
import { RevisionLeaves } from '../../../../../src/pipeline/seal/leaf.ts'
import { lockChain, sealRun } from '../../../../../src/pipeline/seal/seal-run.ts'
import { readClock } from '../../../../../src/platform/postgres/clock.ts'
import { connect } from '../../../../../src/platform/postgres/connect.ts'
import { addNote } from '../../../../support/add-note.ts'
import { at, firstRevision, forced, reportOnJuly } from '../../../../support/july.ts'
import { sealHistory, trackFinished, writeRevisions } from '../../../../support/seal-history.ts'
import { createTestApp } from '../../../../support/test-app.ts'
import { createTestDatabase, type TestDatabase } from '../../../../support/test-database.ts'
import { endsOrWaits, waitsForLock } from '../../../../support/waits.ts'

const NEVER = new AbortController().signal

describe('the report', () => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await createTestDatabase()
  })
  afterEach(() => database[Symbol.asyncDispose]())

  const report = (request: Partial<ReportRequest> = {}) => reportOnJuly(database.db, request)

  it('is refused on request when the history up to its as-of is not as it was sealed, and otherwise states the head', async () => {
    await using bench = await createTestApp({ world: { seed: 17 } })
    const { db } = bench.app
    const request = { media: 'audio', from: null, to: null, asOf: null }
    await bench.load({ count: 3, outcome: 'done' })
    const { finished_at: end } = await bench.run()
    const sealed = await readReport(db, { ...request, verify: true })
    const { chain_position, chain_head } = sealed.head.as_of
    expect(sealed.verified).toEqual({ at: expect.any(String), chain_position, chain_head })
    const unverified = await readReport(db, request)
    expect([unverified.verified, unverified.data_digest]).toEqual([null, sealed.data_digest])

    await bench.load({ count: 2, outcome: 'done' })
    await sql`alter table identifai.classification_revisions disable trigger all`.execute(db)
    await sql`update identifai.classification_revisions set force_classification = 'human' where classification_id = 4`.execute(
      db,
    )
    await expect(readReport(db, { ...request, verify: true })).rejects.toThrow(
      /^The report was not made, because the history is not as it was sealed \(1 finding\)\.\n- revision 1 of classification 4 differs .*\nCopy the database/,
    )
    expect((await readReport(db, request)).verified).toBeNull()
    // The rows up to an earlier as-of are unaltered.
    const earlier = await readReport(db, { ...request, asOf: end?.toISOString() ?? '', verify: true })
    expect(earlier.verified).toMatchObject({ chain_position: 1 })
  })

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
      personal_commitment: createHash('sha256')
        .update('5a'.repeat(32), 'hex')
        .update('{"name":"a.wav","ref_id":"r","source":"calls"}')
        .digest('hex'),
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
        // 2026-07-06 and 2026-07-13 and 2026-07-20 are Mondays.
        by_week: [
          { week: '2026-07-06', events: 2, decisions: 2 },
          { week: '2026-07-13', events: 1, decisions: 0 },
          { week: '2026-07-20', events: 1, decisions: 1 },
        ],
      },
    })
  })

  it('has the labels and verdicts before and after, through a new analysis and another label', async () => {
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

  it('marks a decision whose identifiers were forced from different labels', async () => {
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

  it('explains a decision by the notes of its own medium only', async () => {
    const { db } = database
    await sql`insert into identifai.media (media) values ('image')`.execute(db)
    await sealHistory(db, [
      ...firstRevision([1], { file_hash: 'f' }),
      forced(1, at(11), at(12), { file_hash: 'f' }),
    ])
    await addNote(db, 'f', { media: 'image' })
    await sealHistory(db, [])
    expect((await report()).decisions).toMatchObject([{ explanation: 'unexplained', notes: [] }])
  })

  it('counts the identifiers forced now by their latest finished record, not by later events', async () => {
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

  it('has the same digest for any order of the rows, also without file hashes', async () => {
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

  it('counts the same-file identifiers of an event by the file that was forced, although its own hash has changed since', async () => {
    await sealHistory(database.db, [
      ...firstRevision([1, 2], { file_hash: 'f' }),
      forced(1, at(11), at(12), { file_hash: 'f' }),
      forced(1, at(12), at(13), { revision_no: 3, causes: ['hash_changed'], file_hash: 'g' }),
    ])
    expect((await report()).events).toMatchObject([{ file_hash: 'f', same_file_identifiers: 1 }])
  })

  it('refuses an as-of in the future, and a time outside the years 1 to 9999', async () => {
    await sealHistory(database.db, [])
    await expect(report({ asOf: '2100-01-01' })).rejects.toThrow(/is in the future.* Give a time in the past/)
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
      await sealRun(trx, run.runId, new RevisionLeaves(), null)
      ended.resolve(await readClock(trx))
      await held.promise
    })
    const made = report({ asOf: await ended.promise })
    await waitsForLock(db)
    held.resolve()
    await sealing
    expect((await made).head.as_of.chain_position).toBe(2)
  })

  it('reads one snapshot, although rows are removed meanwhile', async () => {
    const { db } = database
    await trackFinished(db, 1, { enqueuedAt: at(1), confirmedAt: at(25) })
    await sealHistory(db, [...firstRevision([1]), forced(1, at(12), at(13), { name: 'call.wav' })])
    let made: Promise<Report> | undefined
    await db.transaction().execute(async (trx) => {
      // The report reads the notes before the personal values.
      await sql`lock table identifai.override_notes in access exclusive mode`.execute(trx)
      made = report()
      await endsOrWaits(db, made)
      await sql`delete from identifai.personal_values`.execute(trx)
    })
    expect((await made)?.personal_values).toMatchObject([{ name: 'call.wav' }])
    expect((await report()).personal_values).toEqual([])
  })

  it('waits for the earlier content of two concurrent runs before it shows the later', async () => {
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
    await expect(report({ asOf: at(1) })).rejects.toThrow(/no run had ended by 2026-07-01/)
    await expect(report({ from: at(20), to: at(20) })).rejects.toThrow(/empty/)
  })

  it('ends at the oldest confirmation when no end is given, and begins at the beginning when no start is given', async () => {
    await trackFinished(database.db, 2, { enqueuedAt: at(1), confirmedAt: '2026-07-15T00:00:00.000007Z' })
    await sealHistory(database.db, [])
    const { head } = await report({ from: null, to: null })
    expect(head.period).toEqual({ from: null, to: '2026-07-15T00:00:00.000007Z', time_zone: 'UTC' })
    expect(head.coverage.is_complete).toBe(true)
  })

  it('takes times in any zone', async () => {
    await sealHistory(database.db, [])
    const { head } = await report({ from: '2026-07-01T02:00:00.5+02:00', to: '2026-07-02' })
    expect(head.period).toEqual({ from: '2026-07-01T00:00:00.500000Z', to: at(2), time_zone: 'UTC' })
  })

  it('takes times without a zone in the time zone of the report, over a change of its clocks', async () => {
    await sealHistory(database.db, [])
    const zoned = await report({
      from: '2026-01-01T00:00:00',
      to: '2026-07-01T00:00:00',
      timeZone: 'Europe/Rome',
    })
    expect(zoned.head.period).toEqual({
      from: '2025-12-31T23:00:00.000000Z',
      to: '2026-06-30T22:00:00.000000Z',
      time_zone: 'Europe/Rome',
    })
  })

  it('ends, without an end, where an identifier without a result was tracked, so that it is complete', async () => {
    const { db } = database
    await trackFinished(db, 2, { enqueuedAt: at(1), confirmedAt: at(20) })
    await sql`insert into identifai.identifiers (identifier, enqueued_at) values ('new', ${at(18)})`.execute(
      db,
    )
    await sealHistory(db, firstRevision([1, 2], { observed_at: at(3) }))
    const { head } = await report({ from: null, to: null })
    expect(head.period.to).toBe(at(18))
    expect(head.coverage.is_complete).toBe(true)
  })

  it('ends at the oldest confirmation, and states the gap, when an identifier has no result since the first response', async () => {
    const { db } = database
    await trackFinished(db, 2, { enqueuedAt: at(1), confirmedAt: at(20) })
    await sql`insert into identifai.identifiers (identifier, enqueued_at) values ('never', ${at(1)})`.execute(
      db,
    )
    await sealHistory(db, firstRevision([1, 2], { observed_at: at(3) }))
    const { head } = await report({ from: null, to: null })
    expect(head.period.to).toBe(at(20))
    expect(head.coverage.gaps.map(({ gap }) => gap)).toEqual(['unfinished'])
  })
})

describe('a report made again', () => {
  it('has the same digest as then, over later changes, notes, corrections, prunes, erasures and an upgrade', async () => {
    await using bench = await createTestApp({ world: { seed: 53 } })
    const { app, simulator } = bench
    const { world } = simulator
    const identifiers = await bench.load({ count: 120 })
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
    await addNote(app.db, hashes[0] as string, { corrects: 1, reason: 'identified by voice' })
    await retire(app.db, argumentEntries(identifiers.slice(50, 60)), { reason: 'over' })
    await bench.enqueue(world.register({ count: 30 }))
    await bench.run({ refreshAll: true })
    await sql`update identifai.identifiers set source = 'changed', submitted_at = now()`.execute(app.db)
    expect(
      (await prunePayloads(app.db, { olderThanDays: -1, isDryRun: false, signal: NEVER })).removed,
    ).toBeGreaterThan(50)
    for (const table of ['sync_runs', 'classification_revisions', 'override_notes', 'actions']) {
      await sql`alter table ${sql.table(`identifai.${table}`)} add column added_by_upgrade text`.execute(
        app.db,
      )
    }
    await bench.run({ refreshAll: true })
    const because = { media: 'audio', reason: 'r', author: null, isDryRun: false }
    await redact(app.db, identifiers[50] as string, because)

    const { period, as_of } = then.head
    const again = await readReport(app.db, { ...request, to: period.to, asOf: as_of.finished_at })
    expect(again.data_digest).toBe(then.data_digest)
    const differing = Object.keys(then).filter(
      (key) => JSON.stringify(then[key as keyof Report]) !== JSON.stringify(again[key as keyof Report]),
    )
    expect(differing).toEqual(['generated_at', 'personal_values'])
    expect(again.personal_values).toHaveLength(then.personal_values.length - 1)
    expect((await verifyChain(app.db)).findings).toEqual([])
    const now = await readReport(app.db, request)
    expect(now.events.length).toBeGreaterThan(then.events.length)
    expect(now.data_digest).not.toBe(then.data_digest)
  })
})

describe('the limit of a report', () => {
  it('does not have a change that is undone between two requests', async () => {
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
