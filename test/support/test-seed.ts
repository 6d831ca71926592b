import { randomInt } from 'node:crypto'
import type { TestUserConfig } from 'vitest/config'

/**
 * The seed of a run of the tests, which decides the order of the tests in each file and all random samples. It is another one
 * in each run, and TEST_SEED repeats a run.
 */
export const TEST_SEED = Number(process.env.TEST_SEED ?? randomInt(2 ** 31))

/** The part of a configuration of Vitest that gives the seed to every test, and prints it after a failure. */
export function seededTests() {
  return {
    env: { TEST_SEED: String(TEST_SEED) },
    sequence: { shuffle: { tests: true }, seed: TEST_SEED },
    setupFiles: 'test/support/seed-samples.ts',
    reporters: [
      'default',
      ...(process.env.GITHUB_ACTIONS ? (['github-actions'] as const) : []),
      {
        onTestRunEnd: (_files, _errors, reason) => {
          if (reason === 'failed')
            console.log(
              `TEST_SEED=${TEST_SEED} repeats the order of these tests, and their random samples.\n`,
            )
        },
      },
    ],
  } satisfies TestUserConfig
}
