import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { audioEndpoint } from '../../src/media/audio/endpoint.ts'
import type { JsonObject } from '../../src/platform/json.ts'
import { World } from '../../src/devkit/simulator/world.ts'
import { hostileText } from '../support/hostile-text.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { mutated } from '../support/mutate.ts'
import { readContentRows } from '../support/read-rows.ts'
import { meaning } from '../support/meaning.ts'
import { createTestApp } from '../support/test-app.ts'
import { TEST_SEED } from '../support/test-seed.ts'

/** The number that `npm run test:soak` sets, or a smaller one. */
const RECORDS = Number(process.env.FUZZ_RECORDS ?? 500)

it('a record with any content is loaded or quarantined, can be restored, and never stops a run', async () => {
  const world = new World({ seed: 3, requestsUntilDone: 0 })
  const records = new Map<string, JsonObject>()
  for (const [position, identifier] of world.register({ count: RECORDS }).entries()) {
    // Each has a seed of its own, because all would have the same changes otherwise.
    const seed = TEST_SEED + position
    const [record] = fc.sample(mutated(world.truth(identifier) as JsonObject), { numRuns: 1, seed })
    records.set(identifier, record as JsonObject)
  }
  // JSON.stringify would write null for an infinite number, and would overflow the stack on some of these.
  await using api = await startCannedApi(
    (requested) => `[${requested.map((identifier) => hostileText(records.get(identifier) ?? {})).join(',')}]`,
  )
  await using bench = await createTestApp({ environment: { IDENTIFAI_API_URL: api.url } })
  // Most of these break the contract, which would trip the circuit breaker of one run. Each batch has a run of its own.
  const all = [...records.keys()]
  for (let from = 0; from < all.length; from += 40) {
    await bench.enqueue(all.slice(from, from + 40))
    const run = await bench.run()
    expect(run).toMatchObject({ released: 0, not_returned: 0, requests: 1 })
  }

  const rows = await readContentRows(bench.app.db)
  const { rows: states } = await sql<{ identifier: string; state: string; payload: string | null }>`
    select i.identifier, i.state, q.payload from identifai.identifiers i
    left join identifai.quarantined_payloads q using (identifier)`.execute(bench.app.db)
  for (const { identifier, state, payload } of states) {
    const record = records.get(identifier) as JsonObject
    if (state === 'quarantined') expect(payload).toBe(hostileText(record))
    else {
      const stored = rows.get(identifier)
      if (!stored) throw new Error(`no rows for ${identifier}`)
      expect(meaning(audioEndpoint.denormalize(stored))).toBe(meaning(record))
    }
  }
  const counts = Map.groupBy(states, ({ state }) => state)
  expect((counts.get('quarantined')?.length ?? 0) + (counts.get('done')?.length ?? 0)).toBeGreaterThan(
    RECORDS / 2,
  )
})
