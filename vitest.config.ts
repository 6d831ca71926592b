import { defineConfig } from 'vitest/config'
import { seededTests } from './test/support/test-seed.ts'

export default defineConfig({
  test: {
    ...seededTests(),
    pool: 'forks',
    // Each file has databases and servers of its own, so a process runs many files. It imports the modules once.
    isolate: false,
    // The default leaves a core idle, although a test spends much of its time waiting for PostgreSQL.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A condition that a busy machine meets late is no failure.
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
