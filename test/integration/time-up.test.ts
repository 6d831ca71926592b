import { expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { runPass } from '../../src/pipeline/run/run-pass.ts'
import { createWorkbench } from '../support/workbench.ts'

it('a pass whose time is up finishes what it has asked, and leaves the rest for the next one', async () => {
  const logged: string[] = []
  await using bench = await createWorkbench({
    environment: { SYNC_CONCURRENCY: '1' },
    onLogLine: (line) => logged.push(line),
  })
  await bench.enqueue(bench.simulator.world.register({ count: 3000 }))
  // Its time is up while the first request is under way: slots are a fifth of a second apart.
  const { logger, telemetry } = bench.app
  const config = { ...bench.app.config, requestsPerSecond: 5, maxDurationMinutes: 1.5 / 60 }
  await using app = createApp(config, { logger, telemetry })
  const signal = new AbortController().signal
  const { run, failure } = await runPass(app, { trigger: 'schedule', signal, waitMs: 60_000 })
  expect(failure).toBeUndefined()
  expect(run).toMatchObject({ status: 'succeeded', released: 0, error: null })
  expect(run.claimed).toBeGreaterThan(0)
  expect(run.claimed).toBeLessThan(3000)
  expect(run.settled_done + run.settled_errored + run.still_new).toBe(run.claimed)
  expect(run.pending_count).toBe(3000 - run.claimed + run.still_new)
  expect(logged.filter((line) => line.includes('time is up'))).toHaveLength(1)
  expect(await bench.pass()).toMatchObject({ status: 'succeeded', claimed: 3000 - run.claimed })
})
