import type { DemoOutput } from '../src/devkit/demo/output.ts'

/** Prints nothing. */
export const SILENT_OUTPUT: DemoOutput = {
  started: () => {},
  enqueued: () => {},
  firstRunEnded: () => {},
  overridden: () => {},
  secondRunEnded: () => {},
  reported: () => {},
  counted: () => {},
  queried: () => {},
}
