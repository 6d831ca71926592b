import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { startCannedApi } from '../support/canned-api.ts'
import { createTestApp } from '../support/test-app.ts'

const done = {
  hash: 'hash-1',
  status: 'done',
  verdict: { heuristic: 'Majority', confidence: 0.9, classification: 'artificial' },
}

/** An API whose submissions have one file, some of them with a forced label. */
function startApi(isForced: (identifier: string) => boolean) {
  return startCannedApi((identifiers) =>
    identifiers.map((identifier) => ({
      ...done,
      identifier,
      ...(isForced(identifier) && { force_classification: 'human' }),
    })),
  )
}

describe('same-file identifiers', () => {
  it('are requested again when a first finished record is forced and theirs was not', async () => {
    let forced = false
    await using api = await startApi(() => forced)
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(['old'])
    await bench.run()
    forced = true
    await bench.enqueue(['new'])
    expect(await bench.run()).toMatchObject({ claimed: 2, changed: 2, force_changes: 1 })
  })

  it('cost one refresh for each new submission that is not forced, however many of them are', async () => {
    const forced = new Set<string>()
    await using api = await startApi((identifier) => forced.has(identifier))
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    const copies = Array.from({ length: 300 }, (_, n) => `copy-${n}`)
    for (const copy of copies) forced.add(copy)
    await bench.enqueue(copies)
    await bench.run()
    for (let submission = 1; submission <= 3; submission++) {
      await bench.enqueue([`new-${submission}`])
      // The new one, and one of the copies.
      expect(await bench.run({ trigger: 'fresh' })).toMatchObject({ claimed: 2, force_changes: 0 })
    }
    // An override of the file: one changed copy leads to all others.
    for (const one of [...copies, 'new-1', 'new-2', 'new-3']) forced.add(one)
    await sql`update identifai.identifiers set due_at = now() where identifier = 'new-1'`.execute(
      bench.app.db,
    )
    expect(await bench.run()).toMatchObject({ force_changes: 3 })
  })

  it('are not requested because of an unfinished record, whose forced label says nothing', async () => {
    let status = 'new'
    await using api = await startCannedApi((identifiers) =>
      identifiers.map((identifier) =>
        identifier === 'new'
          ? { ...done, identifier, status }
          : { ...done, identifier, force_classification: 'human' },
      ),
    )
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(['old'])
    await bench.run()
    await bench.enqueue(['new'])
    expect(await bench.run()).toMatchObject({ claimed: 1, pending: 1 })
    status = 'done'
    await sql`update identifai.identifiers set due_at = now() where identifier = 'new'`.execute(bench.app.db)
    expect(await bench.run()).toMatchObject({ claimed: 2, done: 2 })
  })

  it('are all requested after a change, also when one of them has not changed', async () => {
    const forced = new Set<string>()
    await using api = await startApi((identifier) => forced.has(identifier))
    await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
    await bench.enqueue(['a', 'b', 'c'])
    await bench.run()
    for (const one of ['a', 'c']) forced.add(one)
    await sql`update identifai.identifiers set due_at = now() where identifier = 'a'`.execute(bench.app.db)
    expect(await bench.run()).toMatchObject({ force_changes: 2 })
  })

  it('come after new work, and a fresh run requests them', async () => {
    let forced = false
    await using api = await startApi(() => forced)
    await using bench = await createTestApp({
      environment: { IDENTIFAI_API_URL: api.url, SYNC_BATCH_SIZE: '1', SYNC_CONCURRENCY: '1' },
    })
    await bench.enqueue(['old'])
    await bench.run()
    forced = true
    await bench.enqueue(['new'])
    await sql`insert into identifai.identifiers (identifier, priority) values ('from-a-file', -5)`.execute(
      bench.app.db,
    )
    await bench.run({ trigger: 'fresh' })
    expect(api.requests.slice(1)).toEqual([['new'], ['from-a-file'], ['old']])
  })

  it('keep a higher priority, such as that of a requested refresh', async () => {
    let forced = false
    await using api = await startApi(() => forced)
    await using bench = await createTestApp({
      environment: { IDENTIFAI_API_URL: api.url, SYNC_BATCH_SIZE: '1', SYNC_CONCURRENCY: '1' },
    })
    const { db } = bench.app
    await bench.enqueue(['old'])
    await bench.run()
    forced = true
    await sql`insert into identifai.identifiers (identifier, priority) values ('urgent', 11), ('new', 0)`.execute(
      db,
    )
    await sql`select identifai.request_refresh('old')`.execute(db)
    await bench.run({ trigger: 'fresh' })
    expect(api.requests.slice(1)).toEqual([['urgent'], ['old'], ['new']])
  })

  it('are compared although they are loaded at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      let forced = false
      await using api = await startApi((identifier) => forced && identifier === 'a')
      await using bench = await createTestApp({
        environment: { IDENTIFAI_API_URL: api.url, SYNC_BATCH_SIZE: '1' },
      })
      await bench.enqueue(['a'])
      await bench.run()
      forced = true
      await sql`update identifai.identifiers set due_at = now()`.execute(bench.app.db)
      await bench.enqueue(['b'])
      const run = await bench.run()
      // The second of the two found the other out of date, so the run requested that one again.
      expect(run.claimed).toBeGreaterThanOrEqual(3)
    }
  })

  it('are requested within the same run when one of them turns out to be forced', async () => {
    await using bench = await createTestApp({ world: { seed: 5 } })
    const { world } = bench.simulator
    const identifiers = await bench.load({ count: 24, outcome: 'done' })
    const [hash, sameFile] = [
      ...Map.groupBy(identifiers, (identifier) => world.hashOf(identifier) as string),
    ].find(([, group]) => group.length === 2) as [string, string[]]
    world.override(hash, 'human')
    // Only one of the two is due.
    await sql`update identifai.identifiers set due_at = now() where identifier = ${sameFile[0]}`.execute(
      bench.app.db,
    )
    const run = await bench.run()
    expect(run).toMatchObject({ claimed: 2, requests: 2, force_changes: 2, changed: 2 })
    const { rows } = await sql<{ identifier: string; force_classification: string }>`
      select identifier, force_classification from identifai.classifications where file_hash = ${hash}`.execute(
      bench.app.db,
    )
    expect(rows.map((row) => row.force_classification)).toEqual(['human', 'human'])
    expect(await bench.run()).toMatchObject({ claimed: 0 })
  })
})
