import { defineConfig } from 'vitest/config'
import { seededTests } from './test/support/test-seed.ts'

const seeded = seededTests()

/** The long tests: the tests of samples at full size, and tests that take minutes of real time. */
export default defineConfig({
  test: {
    ...seeded,
    include: ['test/{behavior,fault,unit}/**/*.test.ts', 'test/soak/**/*.soak.ts'],
    globalSetup: 'test/support/global-setup.ts',
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 900_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    env: {
      ...seeded.env,
      SAMPLE_FACTOR: '10',
      FUZZ_RECORDS: '10000',
      MODEL_RUNS: '500',
      CRASH_KILLS: '60',
      CRASH_IDENTIFIERS: '5000',
      NIGHTLY_RUNS: '60',
      ADVERSARIAL_DAYS: '60',
      ADVERSARIAL_IDENTIFIERS: '20000',
      FORCE_NIGHTLY_RUNS: '200',
      FORCE_IDENTIFIERS: '2000',
    },
  },
})
