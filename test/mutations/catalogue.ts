import { COMMAND } from './command.ts'
import { LOAD } from './load.ts'
import type { Mutation } from './mutation.ts'
import { OPERATIONS } from './operations.ts'
import { QUEUE } from './queue.ts'
import { RUNS } from './runs.ts'
import { SEALS } from './seal.ts'
import { SECURITY } from './security.ts'
import { VERIFICATION } from './verify.ts'
import { REPORTING_VIEWS } from './views.ts'

/** All mutations, by area. */
export const CATALOGUE: readonly Mutation[] = [
  ...QUEUE,
  ...RUNS,
  ...LOAD,
  ...SEALS,
  ...VERIFICATION,
  ...REPORTING_VIEWS,
  ...OPERATIONS,
  ...SECURITY,
  ...COMMAND,
]
