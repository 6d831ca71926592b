import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { annotate, type GivenNote, type Noted } from '../../../../src/compliance/history/annotate.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'

let bench: TestApp
beforeEach(async () => {
  bench = await createTestApp({ world: { seed: 71 } })
})
afterEach(() => bench[Symbol.asyncDispose]())

/** Writes one note. */
async function annotateOne(
  db: TestApp['app']['db'],
  note: GivenNote,
  options?: Parameters<typeof annotate>[2],
): Promise<Noted> {
  return (await annotate(db, [note], options))[0] as Noted
}

describe('annotate', () => {
  const note = {
    media: 'audio',
    forced_to: 'human',
    author: 'A',
    reason: 'r',
    ticket: null,
    reviewer: 'B',
  } as const

  it('writes a note that cannot be changed, and counts the identifiers of its file', async () => {
    const identifiers = await bench.load({ count: 12, outcome: 'done' })
    const fileHash = bench.hashOf(identifiers[11] as string)
    const unknown = { allowsUnknown: true }
    expect(await annotateOne(bench.app.db, { ...note, file_hash: fileHash }, unknown)).toEqual({
      note_id: 1,
      corrects: null,
      file_hash: fileHash,
      forced_to: 'human',
      tracked: 2,
      matching: 0,
      explains: null,
    })
    bench.simulator.world.override(fileHash, 'human')
    const { finished_at } = await bench.run({ refreshAll: true })
    const noted = await annotateOne(bench.app.db, { ...note, file_hash: fileHash })
    expect(noted).toMatchObject({ note_id: 2, matching: 2, explains: { identifiers: 2 } })
    expect(Date.parse(noted.explains?.not_after ?? '')).toBeLessThanOrEqual(finished_at?.getTime() ?? 0)
    expect(noted.explains?.not_before && noted.explains.not_before < noted.explains.not_after).toBe(true)
    expect(await annotateOne(bench.app.db, { ...note, file_hash: 'f00d'.repeat(16) }, unknown)).toMatchObject(
      {
        tracked: 0,
        explains: null,
      },
    )
    await sql`insert into identifai.override_notes (file_hash, forced_to, author, reason, noted_at)
      values ('h', 'human', 'A', 'r', '2020-01-01')`.execute(bench.app.db)
    const { rows } =
      await sql`select from identifai.override_notes where noted_at < now() - interval '1 day'`.execute(
        bench.app.db,
      )
    expect(rows, 'the database sets the time of a note').toEqual([])
    for (const statement of [
      "update identifai.override_notes set author = 'B'",
      'delete from identifai.override_notes',
      'truncate identifai.override_notes',
    ]) {
      await expect(sql.raw(statement).execute(bench.app.db)).rejects.toThrow(/append-only/)
    }
  })

  it.each(['f00d', 'f00d'.repeat(17), 'x'.repeat(64)])(
    'refuses %s, which is not a complete hash, because the note would stay',
    async (text) => {
      const notes = bench.app.db.selectFrom('identifai.override_notes').select('note_id')
      const before = await notes.execute()
      await expect(annotateOne(bench.app.db, { ...note, file_hash: text })).rejects.toMatchObject({
        name: 'UsageError',
        remedy: expect.stringContaining('complete hash'),
      })
      expect(await notes.execute()).toEqual(before)
    },
  )

  it('refuses a file that is not tracked, and a label that it never had, unless that is allowed', async () => {
    const { db } = bench.app
    const [identifier, other] = (await bench.load({ count: 2, outcome: 'done' })) as [string, string]
    const file_hash = bench.hashOf(identifier)
    bench.simulator.world.override(bench.hashOf(other), 'human')
    await bench.run({ refreshAll: true })
    await expect(annotateOne(db, { ...note, file_hash: 'f00d'.repeat(16) })).rejects.toThrow(
      /^No tracked identifier has the file hash .* add --unknown\.$/,
    )
    await expect(annotateOne(db, { ...note, file_hash })).rejects.toThrow(
      'This file was never forced to human',
    )
    await expect(annotateOne(db, { ...note, file_hash, forced_to: 'none' })).rejects.toThrow(
      'No forced label of this file was ever removed',
    )
    bench.simulator.world.override(file_hash, 'human')
    await bench.run({ refreshAll: true })
    await expect(annotateOne(db, { ...note, file_hash, forced_to: 'artificial' })).rejects.toThrow(
      'never forced to',
    )
    const { rows } = await sql`select from identifai.override_notes`.execute(db)
    expect(rows).toHaveLength(0)
    expect(await annotateOne(db, { ...note, file_hash })).toMatchObject({ explains: { identifiers: 1 } })
  })

  it('takes a label that was already forced in the first finished record, which is no decision', async () => {
    const { db } = bench.app
    const identifiers = bench.simulator.world.register({ count: 1, outcome: 'done' })
    const file_hash = bench.hashOf(identifiers[0] as string)
    bench.simulator.world.override(file_hash, 'human')
    await bench.enqueue(identifiers)
    await bench.run()
    expect(await annotateOne(db, { ...note, file_hash })).toMatchObject({ matching: 1, explains: null })
  })

  it('corrects a note by another, which counts in its place and stays one of the same file and label', async () => {
    const { db } = bench.app
    const [identifier] = (await bench.load({ count: 1, outcome: 'done' })) as [string]
    const file_hash = bench.hashOf(identifier)
    bench.simulator.world.override(file_hash, 'human')
    await bench.run({ refreshAll: true })
    await annotateOne(db, { ...note, file_hash })
    const { forced_to: _, ...rest } = note
    const correction = { ...rest, reason: 'identified by voice' }
    expect(await annotateOne(db, { ...correction, corrects: 1 })).toMatchObject({
      note_id: 2,
      corrects: 1,
      file_hash,
      forced_to: 'human',
      explains: null,
    })
    // A correction of a correction corrects the first note.
    expect(await annotateOne(db, { ...correction, author: 'C', corrects: 2 })).toMatchObject({ corrects: 1 })
    await expect(annotateOne(db, { ...correction, corrects: 77 })).rejects.toThrow(
      /^There is no note 77, so nothing/,
    )
    const { rows } = await sql`
      select note_id, reason, corrects, is_current from identifai_reporting.override_notes order by note_id`.execute(
      db,
    )
    expect(rows).toEqual([
      { note_id: 1, reason: 'r', corrects: null, is_current: false },
      { note_id: 2, reason: 'identified by voice', corrects: 1, is_current: false },
      { note_id: 3, reason: 'identified by voice', corrects: 1, is_current: true },
    ])
    await expect(
      sql`insert into identifai.override_notes (file_hash, forced_to, author, reason, corrects)
        values (${file_hash}, 'artificial', 'A', 'r', 1)`.execute(db),
    ).rejects.toThrow(/override_notes_corrects_fkey/)
  })

  it('writes many notes or none, and names each that is refused by its line', async () => {
    const { db } = bench.app
    const [one, other] = (await bench.load({ count: 2, outcome: 'done' })) as [string, string]
    for (const identifier of [one, other]) bench.simulator.world.override(bench.hashOf(identifier), 'human')
    await bench.run({ refreshAll: true })
    const notes = [
      { ...note, file_hash: bench.hashOf(one), line: 2 },
      { ...note, file_hash: 'f00d', line: 3 },
      { ...note, file_hash: bench.hashOf(other), line: 4 },
      { ...note, file_hash: other, line: 5 },
    ]
    await expect(annotate(db, notes)).rejects.toThrow(
      /^2 of 4 notes cannot be written, so none was:\n  line 3: f00d is neither .*\n  line 5: .* is an identifier, .*\nCorrect these lines\.$/,
    )
    const right = notes.filter(({ line }) => line % 2 === 0)
    const tried = await annotate(db, right, { isDryRun: true })
    expect(tried).toMatchObject([
      { note_id: null, explains: { identifiers: 1 } },
      { note_id: null, explains: { identifiers: 1 } },
    ])
    expect((await sql`select from identifai.override_notes`.execute(db)).rows).toHaveLength(0)
    await annotate(db, right)
    expect((await sql`select from identifai.override_notes`.execute(db)).rows).toHaveLength(2)
  })

  it('refuses an identifier in place of a hash, and names the hash', async () => {
    const [identifier] = (await bench.load({ count: 1, outcome: 'done' })) as [string]
    await expect(annotateOne(bench.app.db, { ...note, file_hash: identifier })).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining(bench.hashOf(identifier)),
    })
    const { rows } = await sql`select from identifai.override_notes`.execute(bench.app.db)
    expect(rows).toHaveLength(0)
  })
})
