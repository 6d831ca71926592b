import type { RunStatus } from '../../platform/postgres/tables/sync-runs.ts'
import type { Tally } from './tally.ts'

/** What a finished pass was, in the order of what matters most to whoever reads it. */
export function passStatus(pass: {
  readonly failed: boolean
  readonly interrupted: boolean
  readonly tally: Tally
}): Exclude<RunStatus, 'running'> {
  if (pass.failed) return 'failed'
  if (pass.interrupted) return 'interrupted'
  return pass.tally.released > 0 || pass.tally.quarantined > 0 ? 'partial' : 'succeeded'
}
