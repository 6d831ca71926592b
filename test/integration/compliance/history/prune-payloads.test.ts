import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prunePayloads } from '../../../../src/compliance/history/prune-payloads.ts'
import { readTimelines } from '../../../../src/compliance/history/read-timeline.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'

const NEVER = new AbortController().signal

let bench: TestApp
beforeEach(async () => {
  bench = await createTestApp({ world: { seed: 71 } })
})
afterEach(() => bench[Symbol.asyncDispose]())

describe('prune', () => {
  const prune = (olderThanDays: number, isDryRun = false) =>
    prunePayloads(bench.app.db, { olderThanDays, isDryRun, signal: NEVER })

  async function payloadsOf(identifier: string): Promise<number[]> {
    const [timeline] = await readTimelines(bench.app.db, identifier)
    return (
      timeline?.revisions.flatMap((revision) => (revision.is_payload_stored ? revision.revision_no : [])) ??
      []
    )
  }

  it('removes payloads of superseded revisions by age, and no payload that is compared or replayed', async () => {
    const { world } = bench.simulator
    const [identifier, other] = (await bench.load({ count: 2, outcome: 'done' })) as [string, string]
    const hash = bench.hashOf(identifier)
    world.override(hash, 'human')
    await bench.run({ refreshAll: true })
    world.override(hash, 'artificial')
    await bench.run({ refreshAll: true })
    world.reanalyze(identifier, 2)
    await bench.run({ refreshAll: true })
    expect(await payloadsOf(identifier)).toEqual([1, 2, 3, 4])
    expect(await prune(1)).toMatchObject({ removed: 0 })
    expect(await prune(-1, true)).toEqual({ removed: 2, stored: 5 })
    expect(await prune(-1)).toEqual({ removed: 2, stored: 3 })
    // The latest finished one, and the unfinished one after it.
    expect(await payloadsOf(identifier)).toEqual([3, 4])
    expect(await payloadsOf(other)).toEqual([1])
    expect((await readTimelines(bench.app.db, identifier))[0]?.revisions).toHaveLength(4)
    expect(await prune(-1)).toEqual({ removed: 0, stored: 3 })
  })

  it('measures the age of a payload from when it was received', async () => {
    const [identifier] = (await bench.load({ count: 1, outcome: 'done' })) as [string]
    bench.simulator.world.override(bench.hashOf(identifier), 'human')
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

  it('does not count a disappearance as newer content', async () => {
    const [identifier] = (await bench.load({ count: 1, outcome: 'done' })) as [string]
    bench.simulator.world.hide(identifier, true)
    for (let run = 0; run < 5; run++) {
      await bench.makeAllDue()
      await bench.run()
    }
    expect((await readTimelines(bench.app.db, identifier))[0]?.revisions).toHaveLength(2)
    expect(await prune(-1)).toEqual({ removed: 0, stored: 1 })
  })

  it('works through many in steps, and stops when it is aborted', async () => {
    await bench.app.db.transaction().execute(async (trx) => {
      await sql`
        insert into identifai.classification_revisions (classification_id, revision_no, observed_at, run_id, causes, media, identifier, status, personal_commitment, payload_commitment)
        select id, no, now() - interval '2 days', gen_random_uuid(), array['first_seen'], 'audio', 'i', 'done', repeat('0', 64), repeat('0', 64)
        from generate_series(1, 6000) as id, generate_series(1, 2) as no`.execute(trx)
      await sql`insert into identifai.revision_payloads select id, no, '{}' from generate_series(1, 6000) as id, generate_series(1, 2) as no`.execute(
        trx,
      )
    })
    const stopped = AbortSignal.abort()
    expect(await prunePayloads(bench.app.db, { olderThanDays: 1, isDryRun: false, signal: stopped })).toEqual(
      { removed: 0, stored: 12_000 },
    )
    expect(await prune(1)).toEqual({ removed: 6000, stored: 6000 })
  })
})
