import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ReportRequest } from '../../../../../src/compliance/report/read/read-report.ts'
import { refuseIncomplete } from '../../../../../src/compliance/report/read/refuse-incomplete.ts'
import type { RevisionCause } from '../../../../../src/platform/postgres/tables/history.ts'
import { argumentEntries } from '../../../../../src/pipeline/queue/input/read-arguments.ts'
import { retire } from '../../../../../src/pipeline/queue/retire.ts'
import { at, firstRevision, reportOnJuly } from '../../../../support/july.ts'
import { sealHistory, trackFinished } from '../../../../support/seal-history.ts'
import { createTestDatabase, type TestDatabase } from '../../../../support/test-database.ts'

describe('a report that may not be complete', () => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await createTestDatabase()
  })
  afterEach(() => database[Symbol.asyncDispose]())

  const report = (request: Partial<ReportRequest> = {}) => reportOnJuly(database.db, request)

  const refusal = async (request: Partial<ReportRequest> = {}) =>
    refuseIncomplete(database.db, await report(request)).catch((error: Error) => error)

  it('accepts a period whose identifiers were all finished or retired, and confirmed at its end or later', async () => {
    const { db } = database
    await trackFinished(db, 3, { enqueuedAt: at(1), confirmedAt: at(20) })
    await sql`insert into identifai.identifiers (identifier, enqueued_at) values ('late', ${at(20)}), ('given up', ${at(2)})`.execute(
      db,
    )
    await retire(db, argumentEntries(['given up']), { reason: 'test call' })
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
      unfinished_since: at(20),
    })
  })

  it.each(['pending', 'missing', 'quarantined'])(
    'refuses when an identifier from before its end is %s, and names it',
    async (state) => {
      const { db } = database
      await sql`insert into identifai.identifiers (identifier, state, enqueued_at)
      select 'open-' || n, ${state}, ${at(19)} from generate_series(1, 1006) as n`.execute(db)
      await sealHistory(db, [])
      const refused = await refusal()
      expect(refused).toMatchObject({ name: 'ReportRefusedError', exitCode: 6 })
      expect(refused?.message).toMatch(
        /1,006 identifiers now: open-1, open-2, open-3, open-4, open-5, and 1,001 more\..* Retire .*--allow-incomplete/s,
      )
      expect((await report()).head.coverage).toMatchObject({
        is_complete: false,
        gaps: [{ gap: 'unfinished' }],
      })
    },
  )

  it('distinguishes identifiers that are still being analyzed from those with a problem', async () => {
    const { db } = database
    await sql`insert into identifai.identifiers (identifier, state, enqueued_at, last_requested_at, absences)
      select 'open-' || n, 'pending', ${at(18)}, ${at(19)}, case when n <= 2 then 1 else 0 end
      from generate_series(1, 5) as n`.execute(db)
    await sealHistory(db, [])
    expect((await refusal())?.message).toMatch(
      /\n {2}3 identifiers still being analyzed\. Wait until .*identifai-sync status shows .* 2 identifiers now: open-1, open-2\. List them .* sync --refresh-all/,
    )
    await sql`update identifai.identifiers set absences = 0`.execute(db)
    const { message } = (await refusal()) as Error
    expect(message).toContain('5 identifiers still being analyzed.')
    expect(message).not.toMatch(/Retire|--refresh-all/)
  })

  it('refuses when a finished identifier was last confirmed before its end, and names it', async () => {
    const { db } = database
    await trackFinished(db, 2, { enqueuedAt: at(1), confirmedAt: '2026-07-19T23:59:59.999999Z' })
    await sealHistory(db, [])
    const refused = await refusal()
    expect(refused).toMatchObject({ exitCode: 6 })
    expect(refused?.message).toMatch(/2 identifiers now: id-1, id-2\..*sync --refresh-all/s)
    expect((await report()).head.coverage.gaps.map(({ gap }) => gap)).toEqual(['unconfirmed'])
    expect(await refusal({ to: '2026-07-19T23:59:59.999999Z' })).toBeUndefined()
  })

  it('refuses while a finished identifier is being analyzed again, because its force cannot be observed', async () => {
    const { db } = database
    await trackFinished(db, 1, { enqueuedAt: at(1), confirmedAt: at(20) })
    const unfinished = {
      classification_id: 1,
      revision_no: 2,
      observed_at: at(19),
      causes: ['status_changed'] as RevisionCause[],
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

  it('decides by the sealed run, not by later changes', async () => {
    const { db } = database
    await trackFinished(db, 1, { enqueuedAt: at(1), confirmedAt: at(15) })
    const { finished_at } = await sealHistory(db, [])
    await sql`update identifai.identifiers set last_confirmed_at = now()`.execute(db)
    const refused = await refusal({ asOf: (finished_at as Date).toISOString().replace('Z', '999Z') })
    expect(refused?.message).toMatch(/There is none any more\. Run identifai-sync sync/)
  })
})
