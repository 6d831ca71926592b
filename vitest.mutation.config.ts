import { defineConfig } from 'vitest/config'

/** The unit tests of the pure code, which Stryker runs for each mutation, always with the same samples. */
export default defineConfig({
  test: {
    env: { TEST_SEED: '1' },
    setupFiles: 'test/support/seed-samples.ts',
    testTimeout: 60_000,
    include: [
      'test/unit/{media,pipeline,compliance}/**/*.test.ts',
      'test/unit/platform/*.test.ts',
      'test/unit/platform/terminal/*.test.ts',
    ],
  },
})
