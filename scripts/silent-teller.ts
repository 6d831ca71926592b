import type { DemoTeller } from '../src/devkit/demo/tell.ts'

/** Takes in all that the demo tells, and says nothing. */
export const SILENT_TELLER: DemoTeller = {
  started: () => {},
  enqueued: () => {},
  firstPass: () => {},
  meanwhile: () => {},
  secondPass: () => {},
  report: () => {},
  tables: () => {},
  answer: () => {},
}
