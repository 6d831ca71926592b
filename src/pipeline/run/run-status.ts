import type { RunStatus } from '../../platform/postgres/tables/sync-runs.ts'
import type { Tally } from './tally.ts'

/** What a finished pass was, in the order of what matters most to whoever reads it. */
export function statusOf(run: {
  readonly failed: boolean
  readonly interrupted: boolean
  readonly tally: Tally
}): Exclude<RunStatus, 'running'> {
  if (run.failed) return 'failed'
  if (run.interrupted) return 'interrupted'
  return run.tally.released > 0 || run.tally.quarantined > 0 ? 'partial' : 'succeeded'
}
