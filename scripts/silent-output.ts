import type { DemoOutput } from '../src/devkit/demo/output.ts'

/** Takes in all that the demo tells, and says nothing. */
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
