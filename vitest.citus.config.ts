import { defineConfig } from 'vitest/config'
import { seededTests } from './test/support/test-seed.ts'

const { TEST_CITUS_URL } = process.env

if (!TEST_CITUS_URL) {
  console.log(
    'NOTICE: nothing was tested. Set TEST_CITUS_URL to the coordinator of a Citus cluster with workers, as a superuser.',
  )
}

/** The tests that touch the data tables, on the Citus cluster whose coordinator TEST_CITUS_URL names. */
export default defineConfig({
  test: {
    ...seededTests(),
    include: TEST_CITUS_URL
      ? [
          'test/{citus,behavior,fault}/**/*.test.ts',
          'test/integration/{compliance,migrations,pipeline}/**/*.test.ts',
          'test/integration/operations/{daemon,doctor,roles}/*.test.ts',
          'test/e2e/{status-page,webhook}.test.ts',
        ]
      : [],
    // They test the triggers that distribute drops. Those in test/citus test what takes their place.
    exclude: [
      'test/integration/migrations/schema.test.ts',
      'test/integration/compliance/verify/verify-definitions.test.ts',
    ],

    globalSetup: TEST_CITUS_URL ? 'test/support/citus-setup.ts' : [],
    pool: 'forks',
    isolate: false,
    maxWorkers: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
})
