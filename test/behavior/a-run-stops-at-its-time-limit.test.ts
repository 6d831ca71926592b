import { expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { executeRun } from '../../src/pipeline/run/execute-run.ts'
import { createTestApp } from '../support/test-app.ts'

/** More than fifteen requests, of which the time limit allows about eight. */
const IDENTIFIERS = 1500

it('a run at its time limit finishes its requested identifiers, and leaves the rest to the next run', async () => {
  const logged: string[] = []
  await using bench = await createTestApp({
    environment: { SYNC_CONCURRENCY: '1' },
    onLogLine: (line) => logged.push(line),
  })
  await bench.enqueue(bench.simulator.world.register({ count: IDENTIFIERS }))
  // It reaches the limit during its first requests, because slots are a fifth of a second apart.
  const { logger, telemetry } = bench.app
  const config = { ...bench.app.config, requestsPerSecond: 5, maxDurationMinutes: 1.5 / 60 }
  await using app = createApp(config, { logger, telemetry })
  const signal = new AbortController().signal
  const { run, failure } = await executeRun(app, { trigger: 'nightly', signal, waitMs: 60_000 })
  expect(failure).toBeUndefined()
  expect(run).toMatchObject({ status: 'succeeded', released: 0, error: null })
  expect(run.claimed).toBeGreaterThan(0)
  expect(run.claimed).toBeLessThan(IDENTIFIERS)
  expect(run.done + run.errored + run.pending).toBe(run.claimed)
  expect(run.pending_count).toBe(IDENTIFIERS - run.claimed + run.pending)
  expect(logged.filter((line) => line.includes('time limit reached'))).toHaveLength(1)
  expect(await bench.run()).toMatchObject({ status: 'succeeded', claimed: IDENTIFIERS - run.claimed })
})
