import type { AnalysisStatus } from '../../../platform/postgres/tables/history.ts'
import { isFinished } from '../../../platform/postgres/tables/queue.ts'
import type { IdentifierUpdate } from '../../load/outcome.ts'
import type { Claim } from '../../queue/claim.ts'
import { PRIORITY } from '../../queue/priority.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Seconds until a missing identifier is requested again. */
const MISSING_SECONDS = 30 * DAY

/** The settings that decide when a tracked identifier is due again. */
export interface QueuePolicy {
  readonly missingAfter: number
  readonly refreshHours: number
}

/**
 * The identifier after a record that fits the contract.
 *
 * @param digest Of the record; null when it has none.
 */
export function afterRecord(
  claim: Claim,
  { status, hasKnownStatus }: { readonly status: AnalysisStatus; readonly hasKnownStatus: boolean },
  policy: QueuePolicy,
  digest: string | null,
): IdentifierUpdate {
  const confirmed = { absences: 0, lastError: null, confirmed: true, requestLimit: null }
  if (status !== 'new') {
    return {
      ...confirmed,
      recordDigest: digest,
      state: status,
      priority: PRIORITY.refresh,
      dueAfterSeconds: refreshSeconds(policy),
    }
  }
  const wasFinished = isFinished(claim.state)
  const unfinished = {
    ...confirmed,
    // While an analysis runs, each record is read.
    recordDigest: null,
    // A finished identifier whose analysis runs again keeps its state, and is requested like an unfinished one.
    state: wasFinished ? claim.state : 'pending',
  } as const
  // A status that is not documented may be the last one: many such requests would use up the quota.
  return wasFinished && !hasKnownStatus
    ? { ...unfinished, priority: PRIORITY.refresh, dueAfterSeconds: refreshSeconds(policy) }
    : { ...unfinished, priority: PRIORITY.new, dueAfterSeconds: pollSeconds(claim.ageSeconds) }
}

/** The identifier after a response that does not have it. */
export function afterAbsence(claim: Claim, policy: QueuePolicy): IdentifierUpdate {
  const absences = claim.absences + 1
  const absent = {
    absences,
    confirmed: false,
    lastError: absenceText(absences),
    recordDigest: null,
    requestLimit: null,
  }
  if (claim.state === 'missing' || absences >= policy.missingAfter) {
    return { ...absent, state: 'missing', priority: PRIORITY.refresh, dueAfterSeconds: MISSING_SECONDS }
  }
  if (claim.wasFinished) {
    return {
      ...absent,
      state: claim.state,
      priority: PRIORITY.refresh,
      dueAfterSeconds: refreshSeconds(policy),
    }
  }
  return { ...absent, state: 'pending', priority: PRIORITY.new, dueAfterSeconds: absentSeconds(absences) }
}

/** The identifier after a record that cannot be loaded; it is not due until `requeue`. */
export function afterQuarantine(claim: Claim, reason: string): IdentifierUpdate {
  return {
    state: 'quarantined',
    priority: PRIORITY.new,
    dueAfterSeconds: null,
    absences: claim.absences,
    lastError: reason,
    confirmed: false,
    recordDigest: null,
    requestLimit: null,
  }
}

function refreshSeconds({ refreshHours }: QueuePolicy): number {
  return refreshHours * HOUR
}

/** Seconds until an unfinished analysis is requested again: as long as it has waited, between a minute and an hour. */
function pollSeconds(ageSeconds: number): number {
  return Math.min(Math.max(ageSeconds, MINUTE), HOUR)
}

/** Seconds until an identifier that was never finished is requested again, after its `absences`-th absence (from 1). */
function absentSeconds(absences: number): number {
  const delays = [MINUTE, 15 * MINUTE, 2 * HOUR, 12 * HOUR]
  return delays[Math.min(absences, delays.length) - 1] as number
}

function absenceText(absences: number): string {
  return absences === 1
    ? 'The API did not return it.'
    : `The API did not return it, ${absences} times in a row.`
}
