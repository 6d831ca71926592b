import { expect, it } from 'vitest'
import { createMetrics } from '../../../../src/operations/daemon/metrics.ts'

it('counts all repeated requests, also those over the quota', async () => {
  const { registry, telemetry } = createMetrics()
  for (const why of ['failed', 'throttled', 'throttled'] as const) telemetry.requestRepeated(why)
  const text = await registry.metrics()
  expect(text).toMatch(/^identifai_sync_retries_total 3$/m)
  expect(text).toMatch(/^identifai_sync_throttled_total 2$/m)
})
