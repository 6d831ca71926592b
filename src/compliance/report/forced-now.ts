import { compare } from './group-decisions.ts'
import type { MachineToForced, ForcedNow } from './report.ts'

/** How things stand, from how many identifiers have each label of the machine and each force. */
export function forcedNowOf(rows: readonly MachineToForced<'identifiers'>[]): ForcedNow {
  const forced = rows
    .filter(({ forced_to }) => forced_to !== null)
    .toSorted(
      (one, other) =>
        other.identifiers - one.identifiers || compare(JSON.stringify(one), JSON.stringify(other)),
    )
  const [withResult, forcedCount] = [identifiersOf(rows), identifiersOf(forced)]
  return {
    with_result: withResult,
    forced: forcedCount,
    forced_share: withResult === 0 ? null : forcedCount / withResult,
    machine_to_forced: forced,
  }
}

function identifiersOf(rows: readonly { readonly identifiers: number }[]): number {
  return rows.reduce((sum, { identifiers }) => sum + identifiers, 0)
}
