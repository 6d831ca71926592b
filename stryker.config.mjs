/** Mutation testing of the pure code by its unit tests (npm run test:mutation). The rest is in test/mutations/. */
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  mutate: [
    'src/media/**/*.ts',
    'src/pipeline/run/rules/*.ts',
    'src/compliance/report/*.ts',
    'src/platform/{text,time,json,canonical-json,key-twice,retry,decode-text,read-lines}.ts',
    'src/platform/terminal/text.ts',
  ],
  coverageAnalysis: 'perTest',
  // Code of a module that runs once, such as a schema, would need all tests for each mutation.
  ignoreStatic: true,
  thresholds: { high: 95, low: 90, break: 90 },
  timeoutMS: 15_000,
  concurrency: 2,
  incremental: true,
  incrementalFile: 'node_modules/.cache/stryker/incremental.json',
  reporters: ['clear-text', 'progress-append-only', 'json'],
  jsonReporter: { fileName: 'node_modules/.cache/stryker/report.json' },
  tempDirName: 'node_modules/.cache/stryker/sandbox',
  ignorePatterns: ['bench', 'bi', 'deploy', 'dist'],
  // Stryker would rewrite the paths of tsconfig.json with an API that TypeScript 7 does not have.
  tsconfigFile: 'none',
}
