import { expect } from 'vitest'
import type { TestApp } from './test-app.ts'

/** Executes runs until nothing is pending. A claim whose commit had no response stays leased until its lease expires. */
export async function runUntilFinished(bench: TestApp): Promise<void> {
  await expect
    .poll(
      async () => {
        await bench.makeAllDue()
        return (await bench.run()).pending_count
      },
      { timeout: 30_000, interval: 500 },
    )
    .toBe(0)
}
