import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { createTestApp } from '../support/test-app.ts'
import { createTestCli } from '../support/test-cli.ts'

/** The quota of two minutes and a few seconds. */
const REQUESTS = 125

// All run at the same time, because they mostly wait.
describe.concurrent('the documented quota, 2 a second and 60 a minute, over two minutes of real time', () => {
  it.for([
    ['sliding', 1],
    ['sliding', 4],
    ['fixed', 1],
    ['fixed', 4],
  ] as const)(
    'over a %s window is never exceeded and used to 95 percent by %i processes',
    async ([kind, processes]) => {
      await using bench = await createTestApp({ quota: { kind } })
      using cli = createTestCli()
      await bench.enqueue(bench.simulator.world.register({ count: REQUESTS }))
      const environment = {
        DATABASE_URL: bench.database.url,
        IDENTIFAI_API_URL: bench.simulator.apiUrl,
        IDENTIFAI_API_KEY: bench.app.config.apiKey,
        SYNC_BATCH_SIZE: '1',
      }
      const ended = await Promise.all(Array.from({ length: processes }, () => cli.run(['sync'], environment)))
      expect(ended.map(({ code }) => code)).toEqual(ended.map(() => 0))
      expect(bench.simulator.stats).toMatchObject({ requests: REQUESTS, throttled: 0 })
      const { rows } = await sql<{ seconds: number }>`
      select extract(epoch from max(last_requested_at) - min(last_requested_at))::float8 as seconds
      from identifai.identifiers`.execute(bench.database.db)
      const used = (REQUESTS - 1) / (rows[0]?.seconds ?? Number.NaN)
      console.log(
        `${kind} window, ${processes} processes: ${(used * 100).toFixed(1)} % of one request a second`,
      )
      expect(used).toBeGreaterThanOrEqual(0.95)
    },
  )
})
