import type { EffectiveStatus } from '../../platform/postgres/tables/classification-revisions.ts'
import type { Claim } from '../queue/claim.ts'
import type { IdentifierUpdate } from '../load/outcome.ts'
import { PRIORITY } from '../queue/priority.ts'
import { absentAfterSeconds, MISSING_AFTER_SECONDS, pollAfterSeconds } from './due-time.ts'

/** The settings that decide when a row is due again. */
export interface QueuePolicy {
  readonly missingAfter: number
  readonly refreshHours: number
}

/**
 * The ledger row after an answer that fits the contract.
 *
 * @param digest Of the record that it brought; null when it has none.
 */
export function afterRecord(
  claim: Claim,
  status: EffectiveStatus,
  policy: QueuePolicy,
  digest: string | null,
): IdentifierUpdate {
  const answered = { absences: 0, lastError: null, confirmed: true }
  if (status !== 'new') {
    return {
      ...answered,
      recordDigest: digest,
      state: status,
      priority: PRIORITY.refresh,
      dueAfterSeconds: refreshAfterSeconds(policy),
    }
  }
  // A finished one whose analysis runs again stays what it was, and is polled.
  const state = claim.state === 'done' || claim.state === 'errored' ? claim.state : 'pending'
  return {
    ...answered,
    // While an analysis runs, each answer is read.
    recordDigest: null,
    state,
    priority: PRIORITY.new,
    dueAfterSeconds: pollAfterSeconds(claim.ageSeconds),
  }
}

/** The ledger row after an answer that left the identifier out. */
export function afterAbsence(claim: Claim, policy: QueuePolicy): IdentifierUpdate {
  const absences = claim.absences + 1
  const absent = { absences, confirmed: false, lastError: absenceText(absences), recordDigest: null }
  if (claim.state === 'missing' || absences >= policy.missingAfter) {
    return { ...absent, state: 'missing', priority: PRIORITY.refresh, dueAfterSeconds: MISSING_AFTER_SECONDS }
  }
  if (claim.wasFinished) {
    return {
      ...absent,
      state: claim.state,
      priority: PRIORITY.refresh,
      dueAfterSeconds: refreshAfterSeconds(policy),
    }
  }
  return {
    ...absent,
    state: 'pending',
    priority: PRIORITY.new,
    dueAfterSeconds: absentAfterSeconds(absences),
  }
}

/** The ledger row after a record that cannot be loaded; it waits for `requeue`. */
export function afterQuarantine(claim: Claim, reason: string): IdentifierUpdate {
  return {
    state: 'quarantined',
    priority: PRIORITY.new,
    dueAfterSeconds: null,
    absences: claim.absences,
    lastError: reason,
    confirmed: false,
    recordDigest: null,
  }
}

function refreshAfterSeconds({ refreshHours }: QueuePolicy): number {
  return refreshHours * 3600
}

function absenceText(absences: number): string {
  return absences === 1
    ? 'The API did not return it.'
    : `The API did not return it, ${absences} times in a row.`
}
