import type { DemoOutput } from '../src/devkit/demo/output.ts'

/** Output of the demo that prints nothing. */
export const SILENT_OUTPUT: DemoOutput = {
  started: () => {},
  enqueued: () => {},
  firstRun: () => {},
  meanwhile: () => {},
  secondRun: () => {},
  report: () => {},
  tables: () => {},
  answer: () => {},
}
