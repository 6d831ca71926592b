import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeTimeline } from '../../src/cli/describe-timeline.ts'
import { argumentEntries } from '../../src/pipeline/queue/enqueue/read-entries.ts'
import { reconcile } from '../../src/pipeline/queue/enqueue/reconcile.ts'
import { annotate } from '../../src/compliance/history/annotate.ts'
import { prunePayloads } from '../../src/compliance/history/prune-payloads.ts'
import { identifiersOfFile, readTimeline, type Timeline } from '../../src/compliance/history/read-timeline.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const NEVER = new AbortController().signal

let bench: TestApp
beforeEach(async () => {
  bench = await createTestApp({ world: { seed: 71 } })
})
afterEach(() => bench[Symbol.asyncDispose]())

/** Tracks some identifiers, the first of which were finished and not forced at first sight, and asks for all. */
async function track(count: number): Promise<string[]> {
  const identifiers = bench.simulator.world.register({ count, outcome: 'done' })
  await bench.enqueue(identifiers)
  await bench.run()
  return identifiers
}

const hashOf = (identifier: string) => bench.simulator.world.hashOf(identifier) as string

describe('explain', () => {
  it('tells every revision of one identifier, with what bounds it, and the notes on its file', async () => {
    const { world } = bench.simulator
    const identifiers = await track(30)
    // Every twelfth submission is of the file before it.
    const [one, sibling] = identifiers.slice(10, 12) as [string, string]
    world.override(hashOf(one), 'human')
    await bench.run({ refreshAll: true })
    world.reanalyze(one, 1)
    await bench.run({ refreshAll: true })
    await annotate(bench.app.db, {
      media: 'audio',
      fileHash: hashOf(one),
      forcedTo: 'human',
      author: 'A. Rossi',
      reason: 'called back',
      ticket: 'F-1',
      reviewer: null,
    })
    const timeline = (await readTimeline(bench.app.db, 'audio', one)) as Timeline
    expect(timeline).toMatchObject({
      identifier: one,
      state: 'done',
      file_hash: hashOf(one),
      sameFile: [sibling],
      notes: [{ note_id: 1, forced_to: 'human', author: 'A. Rossi', reason: 'called back', ticket: 'F-1' }],
    })
    expect(
      timeline.revisions.map(
        ({ revision_no, causes, force_classification, chain_position, is_payload_kept }) => [
          revision_no,
          causes.join(),
          force_classification,
          chain_position,
          is_payload_kept,
        ],
      ),
    ).toEqual([
      [1, 'first_seen', null, 1, true],
      [2, 'forced', 'human', 2, true],
      [3, 'status_changed', 'human', 3, true],
    ])
    const text = describeTimeline(timeline)
    const [first, second] = timeline.revisions
    expect(text).toContain(`seen at ${first?.not_after}`)
    expect(text).toContain(`2  FORCED\n     after ${second?.not_before}, and not after ${second?.not_after}`)
    expect(text).toContain('forced to human, which is what counts')
    expect(text).toContain('the analysis is not finished')
    expect(text).toContain('A. Rossi: forced to human, because called back (ticket F-1)')
    expect(text).toContain(`1 other identifier: ${sibling}`)
  })

  it('never claims to know when something was forced that nobody saw', async () => {
    const { world } = bench.simulator
    const [identifier] = world.register({ count: 1, outcome: 'done' }) as [string]
    world.reanalyze(identifier, 1)
    await bench.enqueue([identifier])
    await bench.run()
    world.override(hashOf(identifier), 'human')
    await bench.makeAllDue()
    await bench.run()
    const text = describeTimeline((await readTimeline(bench.app.db, 'audio', identifier)) as Timeline)
    expect(text).toContain('FORCED already when it was first seen finished')
    expect(text).toContain('when it was forced nobody saw')
  })

  it('shows control characters of a name as escapes', async () => {
    const [identifier] = (await track(1)) as [string]
    const timeline = (await readTimeline(bench.app.db, 'audio', identifier)) as Timeline
    const [revision] = timeline.revisions
    const hostile = { ...timeline, revisions: [{ ...revision, name: 'a\u001B[2Jb\u202E' } as never] }
    expect(describeTimeline(hostile)).toContain('a\\u{1b}[2Jb\\u{202e}')
  })

  it('knows an identifier that has had no answer, none that is not tracked, and the identifiers of a file', async () => {
    const identifiers = await track(12)
    await bench.enqueue(['new'])
    expect(describeTimeline((await readTimeline(bench.app.db, 'audio', 'new')) as Timeline)).toContain(
      'No answer has been seen yet.',
    )
    const hash = hashOf(identifiers[11] as string)
    expect(await readTimeline(bench.app.db, 'audio', hash)).toBeUndefined()
    expect(await identifiersOfFile(bench.app.db, 'audio', hash)).toEqual(identifiers.slice(10, 12))
  })
})

describe('annotate', () => {
  const note = {
    media: 'audio',
    forcedTo: 'human',
    author: 'A',
    reason: 'r',
    ticket: null,
    reviewer: 'B',
  } as const

  it('keeps the note for good, and says what it is about', async () => {
    const identifiers = await track(12)
    const fileHash = hashOf(identifiers[11] as string)
    expect(await annotate(bench.app.db, { ...note, fileHash })).toEqual({
      note_id: 1,
      file_hash: fileHash,
      forced_to: 'human',
      tracked: 2,
      forced_so: 0,
    })
    bench.simulator.world.override(fileHash, 'human')
    await bench.run({ refreshAll: true })
    expect(await annotate(bench.app.db, { ...note, fileHash })).toMatchObject({ note_id: 2, forced_so: 2 })
    expect(await annotate(bench.app.db, { ...note, fileHash: 'unknown' })).toMatchObject({ tracked: 0 })
    await sql`insert into identifai.override_notes (file_hash, forced_to, author, reason, noted_at)
      values ('h', 'human', 'A', 'r', '2020-01-01')`.execute(bench.app.db)
    const { rows } =
      await sql`select from identifai.override_notes where noted_at < now() - interval '1 day'`.execute(
        bench.app.db,
      )
    expect(rows, 'the clock says when a note was written').toEqual([])
    for (const statement of [
      "update identifai.override_notes set author = 'B'",
      'delete from identifai.override_notes',
      'truncate identifai.override_notes',
    ]) {
      await expect(sql.raw(statement).execute(bench.app.db)).rejects.toThrow(/append-only/)
    }
  })

  it('refuses an identifier for a hash, and names the hash', async () => {
    const [identifier] = (await track(1)) as [string]
    await expect(annotate(bench.app.db, { ...note, fileHash: identifier })).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining(hashOf(identifier)),
    })
    const { rows } = await sql`select from identifai.override_notes`.execute(bench.app.db)
    expect(rows).toHaveLength(0)
  })
})

describe('reconcile', () => {
  it('says what a list has and the ledger lacks, and the reverse, and changes nothing', async () => {
    const identifiers = await track(5)
    const listed = [...identifiers.slice(0, 3), ...identifiers.slice(0, 1), 'lost-2', 'lost-1', 'lost-1', ' ']
    expect(await reconcile(bench.app.db, 'audio', argumentEntries(listed))).toEqual({
      listed: 5,
      tracked: 5,
      in_both: 3,
      in_both_by_state: { done: 3 },
      only_in_list: ['lost-1', 'lost-2'],
      only_tracked: identifiers
        .slice(3)
        .toSorted()
        .map((identifier) => ({ identifier, state: 'done' })),
      invalid: 1,
      invalid_lines: [{ line: 8, reason: 'blank' }],
    })
    const { rows } = await sql`select from identifai.identifiers`.execute(bench.app.db)
    expect(rows).toHaveLength(5)
  })
})

describe('prune', () => {
  const prune = (olderThanDays: number, isDryRun = false) =>
    prunePayloads(bench.app.db, { olderThanDays, isDryRun, signal: NEVER })

  async function payloadOf(identifier: string): Promise<number[]> {
    const timeline = await readTimeline(bench.app.db, 'audio', identifier)
    return (
      timeline?.revisions.flatMap((revision) => (revision.is_payload_kept ? revision.revision_no : [])) ?? []
    )
  }

  it('removes records of superseded revisions by age, and keeps what is compared with and replayed', async () => {
    const { world } = bench.simulator
    const [identifier, other] = (await track(2)) as [string, string]
    const hash = hashOf(identifier)
    world.override(hash, 'human')
    await bench.run({ refreshAll: true })
    world.override(hash, 'artificial')
    await bench.run({ refreshAll: true })
    world.reanalyze(identifier, 2)
    await bench.run({ refreshAll: true })
    expect(await payloadOf(identifier)).toEqual([1, 2, 3, 4])
    expect(await prune(1)).toMatchObject({ removed: 0 })
    expect(await prune(-1, true)).toEqual({ removed: 2, kept: 5 })
    expect(await prune(-1)).toEqual({ removed: 2, kept: 3 })
    // The latest finished one, and the unfinished one after it.
    expect(await payloadOf(identifier)).toEqual([3, 4])
    expect(await payloadOf(other)).toEqual([1])
    expect((await readTimeline(bench.app.db, 'audio', identifier))?.revisions).toHaveLength(4)
    expect(await prune(-1)).toEqual({ removed: 0, kept: 3 })
  })

  it('counts a record as old by when it was received', async () => {
    const [identifier] = (await track(1)) as [string]
    bench.simulator.world.override(hashOf(identifier), 'human')
    await bench.run({ refreshAll: true })
    await bench.app.db.transaction().execute(async (trx) => {
      await sql`set local session_replication_role = replica`.execute(trx)
      await sql`update identifai.classification_revisions set observed_at = now() - interval '400 days' where revision_no = 1`.execute(
        trx,
      )
    })
    expect(await prune(401)).toMatchObject({ removed: 0 })
    expect(await prune(399)).toMatchObject({ removed: 1 })
  })

  it('takes a disappearance for no newer content', async () => {
    const [identifier] = (await track(1)) as [string]
    bench.simulator.world.hide(identifier, true)
    for (let ask = 0; ask < 5; ask++) {
      await bench.makeAllDue()
      await bench.run()
    }
    expect((await readTimeline(bench.app.db, 'audio', identifier))?.revisions).toHaveLength(2)
    expect(await prune(-1)).toEqual({ removed: 0, kept: 1 })
  })

  it('goes through many in steps, and stops when it is asked to', async () => {
    await bench.app.db.transaction().execute(async (trx) => {
      await sql`
        insert into identifai.classification_revisions (classification_id, revision_no, observed_at, run_id, causes, identifier, status, content_digest, digest_version)
        select id, no, now() - interval '2 days', gen_random_uuid(), array['first_seen'], 'i', 'done', repeat('0', 64), 1
        from generate_series(1, 6000) as id, generate_series(1, 2) as no`.execute(trx)
      await sql`insert into identifai.revision_payloads select id, no, '{}' from generate_series(1, 6000) as id, generate_series(1, 2) as no`.execute(
        trx,
      )
    })
    const stopped = AbortSignal.abort()
    expect(await prunePayloads(bench.app.db, { olderThanDays: 1, isDryRun: false, signal: stopped })).toEqual(
      { removed: 0, kept: 12_000 },
    )
    expect(await prune(1)).toEqual({ removed: 6000, kept: 6000 })
  })
})
