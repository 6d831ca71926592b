import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The long tests: the fault tests at full size, and tests that take minutes of real time. */
export default defineConfig({
  test: {
    ...base.test,
    include: ['test/fault/**/*.test.ts', 'test/soak/**/*.soak.ts'],
    testTimeout: 900_000,
    env: {
      FUZZ_RECORDS: '10000',
      MODEL_RUNS: '500',
      CRASH_KILLS: '60',
      CRASH_IDENTIFIERS: '5000',
      NIGHTLY_RUNS: '60',
      FORCE_NIGHTLY_RUNS: '200',
      FORCE_IDENTIFIERS: '2000',
    },
  },
})
