import { defineConfig } from 'vitest/config'
import { seededTests } from './test/support/test-seed.ts'

export default defineConfig({
  test: {
    ...seededTests(),
    pool: 'forks',
    // Each file has databases and servers of its own, so a process runs many files. It imports the modules once.
    isolate: false,
    // The default leaves a core idle, although a test spends much of its time waiting for PostgreSQL.
    maxWorkers: 4,
    // A test may be late on a busy machine.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 30_000 } },
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/!(unit|citus)/**/*.test.ts'],
          globalSetup: 'test/support/global-setup.ts',
        },
      },
    ],
  },
})
