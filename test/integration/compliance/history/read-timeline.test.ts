import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeTimeline } from '../../../../src/cli/describe-timeline.ts'
import { annotate } from '../../../../src/compliance/history/annotate.ts'
import {
  identifiersOfFile,
  readTimelines,
  type Timeline,
} from '../../../../src/compliance/history/read-timeline.ts'
import { addNote } from '../../../support/add-note.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'

let bench: TestApp
beforeEach(async () => {
  bench = await createTestApp({ world: { seed: 71 } })
})
afterEach(() => bench[Symbol.asyncDispose]())

describe('explain', () => {
  it('lists every revision of one identifier with its interval, and the notes on its file', async () => {
    const { world } = bench.simulator
    const identifiers = await bench.load({ count: 30, outcome: 'done' })
    // Every twelfth submission is of the file before it.
    const [one, other] = identifiers.slice(10, 12) as [string, string]
    world.override(bench.hashOf(one), 'human')
    await bench.run({ refreshAll: true })
    world.reanalyze(one, 1)
    await bench.run({ refreshAll: true })
    await annotate(bench.app.db, [
      {
        media: 'audio',
        file_hash: bench.hashOf(one),
        forced_to: 'human',
        author: 'A. Rossi',
        reason: 'called back',
        ticket: 'F-1',
        reviewer: null,
      },
    ])
    await addNote(bench.app.db, bench.hashOf(one), { author: 'B. Verdi', corrects: 1 })
    const timeline = (await readTimelines(bench.app.db, one))[0] as Timeline
    expect(timeline).toMatchObject({
      identifier: one,
      state: 'done',
      file_hash: bench.hashOf(one),
      same_file_identifiers: [other],
      notes: [
        { note_id: 1, forced_to: 'human', author: 'A. Rossi', reason: 'called back', ticket: 'F-1' },
        { note_id: 2, author: 'B. Verdi', corrects: 1 },
      ],
    })
    expect(
      timeline.revisions.map(
        ({ revision_no, causes, force_classification, chain_position, is_payload_stored }) => [
          revision_no,
          causes.join(),
          force_classification,
          chain_position,
          is_payload_stored,
        ],
      ),
    ).toEqual([
      [1, 'first_seen', null, 1, true],
      [2, 'forced', 'human', 2, true],
      [3, 'status_changed', 'human', 3, true],
    ])
    const text = describeTimeline(timeline)
    const [first, second] = timeline.revisions
    expect(text).toContain(`observed at ${first?.not_after}`)
    expect(text).toContain(
      `2  FORCED\n     not before ${second?.not_before}, and not after ${second?.not_after}`,
    )
    expect(text).toContain('forced to human, which counts')
    expect(text).toContain('the analysis is not finished')
    expect(text).toContain('A. Rossi: forced to human, because called back (ticket F-1)')
    expect(text).toContain(`1 other identifier: ${other}`)
  })

  it('states no time for a force that was not observed', async () => {
    const { world } = bench.simulator
    const [identifier] = world.register({ count: 1, outcome: 'done' }) as [string]
    world.reanalyze(identifier, 1)
    await bench.enqueue([identifier])
    await bench.run()
    world.override(bench.hashOf(identifier), 'human')
    await bench.makeAllDue()
    await bench.run()
    const text = describeTimeline((await readTimelines(bench.app.db, identifier))[0] as Timeline)
    expect(text).toContain('FORCED already in the first finished record')
    expect(text).toContain('the force itself was not observed')
  })

  it('shows control characters of a name as escapes', async () => {
    const [identifier] = (await bench.load({ count: 1, outcome: 'done' })) as [string]
    const timeline = (await readTimelines(bench.app.db, identifier))[0] as Timeline
    const [revision] = timeline.revisions
    const hostile = { ...timeline, revisions: [{ ...revision, name: 'a\u001B[2Jb\u202E' } as never] }
    expect(describeTimeline(hostile)).toContain('a\\u{1b}[2Jb\\u{202e}')
  })

  it('describes an identifier without a response, finds no untracked one, and lists the identifiers of a file', async () => {
    const identifiers = await bench.load({ count: 12, outcome: 'done' })
    await bench.enqueue(['new'])
    expect(describeTimeline((await readTimelines(bench.app.db, 'new'))[0] as Timeline)).toContain(
      'No response has been received yet.',
    )
    const hash = bench.hashOf(identifiers[11] as string)
    expect((await readTimelines(bench.app.db, hash))[0]).toBeUndefined()
    expect(await identifiersOfFile(bench.app.db, hash)).toEqual(identifiers.slice(10, 12))
  })

  it('lists the other identifiers and the notes of the file in its own medium only', async () => {
    const identifiers = await bench.load({ count: 12, outcome: 'done' })
    const { db } = bench.app
    const [one, other] = identifiers.slice(10, 12) as [string, string]
    // A copy of the other one, as of another medium.
    await sql`insert into identifai.media (media) values ('image')`.execute(db)
    await sql`
      with tracked as (insert into identifai.identifiers (identifier, media) values (${other}, 'image') returning id)
      insert into identifai.classifications
      select (jsonb_populate_record(c, jsonb_build_object('classification_id', tracked.id, 'media', 'image'))).*
      from identifai.classifications as c, tracked where c.identifier = ${other}`.execute(db)
    await addNote(db, bench.hashOf(other), { media: 'image', author: 'Of the image' })
    expect(await readTimelines(db, one)).toMatchObject([{ same_file_identifiers: [other], notes: [] }])
    const ofImage = (await readTimelines(db, other)).find(({ media }) => media === 'image')
    expect(ofImage).toMatchObject({ same_file_identifiers: [], notes: [{ author: 'Of the image' }] })
    expect(await identifiersOfFile(db, bench.hashOf(one))).toEqual([one, other, other])
  })
})
