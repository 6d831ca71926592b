import { defineConfig } from 'vitest/config'

/** The unit tests of the pure code, which Stryker runs for each mutation, always with the same small samples. */
export default defineConfig({
  test: {
    env: { TEST_SEED: '1', SAMPLE_FACTOR: '0.1' },
    setupFiles: 'test/support/seed-samples.ts',
    testTimeout: 60_000,
    include: [
      'test/unit/{media,pipeline/run,compliance}/**/*.test.ts',
      'test/unit/platform/*.test.ts',
      'test/unit/platform/terminal/*.test.ts',
    ],
  },
})
