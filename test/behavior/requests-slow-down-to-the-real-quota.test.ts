import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { startCannedApi } from '../support/canned-api.ts'
import { createTestApp } from '../support/test-app.ts'

/** The API accepts half as many requests as are configured, of which a few can come together. */
const [ACCEPTED_A_SECOND, CONFIGURED_A_SECOND, BURST] = [10, 20, 3]
const REQUESTS = 120
/** Until then, the run learns the pace. */
const LEARNED_AFTER = 50

it('a run and the next one are slower after repeated 429s, and few requests have the response 429 then', async () => {
  const statuses: number[] = []
  let [tokens, filledAt] = [BURST, performance.now()]
  await using api = await startCannedApi((identifiers, response) => {
    const now = performance.now()
    tokens = Math.min(BURST, tokens + ((now - filledAt) / 1000) * ACCEPTED_A_SECOND)
    filledAt = now
    const isAccepted = tokens >= 1
    if (isAccepted) tokens--
    else response.statusCode = 429
    statuses.push(isAccepted ? 200 : 429)
    return isAccepted ? identifiers.map((identifier) => ({ identifier, status: 'done' })) : '{}'
  })
  await using bench = await createTestApp({
    environment: {
      IDENTIFAI_API_URL: api.url,
      SYNC_BATCH_SIZE: '1',
      SYNC_REQUESTS_PER_SECOND: String(CONFIGURED_A_SECOND),
      SYNC_REQUESTS_PER_MINUTE: String(CONFIGURED_A_SECOND * 60),
    },
  })
  await bench.enqueue(Array.from({ length: REQUESTS }, (_, n) => `id-${n}`))
  expect(await bench.run({ limit: REQUESTS / 2 })).toMatchObject({ status: 'succeeded', done: REQUESTS / 2 })
  expect(await bench.run()).toMatchObject({ status: 'succeeded', done: REQUESTS / 2 })

  const refusedOf = (part: readonly number[]) => part.filter((status) => status === 429).length
  const [learning, later] = [statuses.slice(0, LEARNED_AFTER), statuses.slice(LEARNED_AFTER)]
  expect(refusedOf(learning)).toBeGreaterThan(1)
  expect(refusedOf(later) / later.length).toBeLessThan(0.1)
  const { rows } = await sql<{ slowdown: number }>`select slowdown from identifai.api_quota`.execute(
    bench.app.db,
  )
  expect(rows[0]?.slowdown).toBeGreaterThan(1.3)
})
