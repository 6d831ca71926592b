import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The long forms: the fault tests at full size, and what takes minutes of real time. */
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
      NIGHTS: '60',
      FORCE_NIGHTS: '200',
      FORCE_IDENTIFIERS: '2000',
    },
  },
})
