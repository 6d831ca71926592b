import type { EffectiveStatus } from '../../platform/postgres/tables/classification-revisions.ts'
import type { Claim } from '../queue/claim.ts'
import type { LedgerUpdate } from '../load/outcome.ts'
import { PRIORITY } from '../queue/priority.ts'
import { absentAfterSeconds, MISSING_AFTER_SECONDS, pollAfterSeconds } from './due-time.ts'

/** The settings that decide when a row is due again. */
export interface LedgerPolicy {
  readonly missingAfter: number
  readonly refreshHours: number
}

/**
 * The ledger row after an answer that fits the contract.
 *
 * @param digest Of the record that it brought; null when it has none.
 */
export function afterAnswer(
  claim: Claim,
  status: EffectiveStatus,
  policy: LedgerPolicy,
  digest: string | null,
): LedgerUpdate {
  const answered = { absences: 0, lastError: null, confirmed: true }
  if (status !== 'new') {
    return {
      ...answered,
      answerDigest: digest,
      state: status,
      priority: PRIORITY.sweep,
      dueAfterSeconds: sweepAfterSeconds(policy),
    }
  }
  // A finished one whose analysis runs again stays what it was, and is polled.
  const state = claim.state === 'done' || claim.state === 'errored' ? claim.state : 'pending'
  return {
    ...answered,
    // While an analysis runs, each answer is read.
    answerDigest: null,
    state,
    priority: PRIORITY.firstAsk,
    dueAfterSeconds: pollAfterSeconds(claim.ageSeconds),
  }
}

/** The ledger row after an answer that left the identifier out. */
export function afterAbsence(claim: Claim, policy: LedgerPolicy): LedgerUpdate {
  const absences = claim.absences + 1
  const absent = { absences, confirmed: false, lastError: absenceText(absences), answerDigest: null }
  if (claim.state === 'missing' || absences >= policy.missingAfter) {
    return { ...absent, state: 'missing', priority: PRIORITY.sweep, dueAfterSeconds: MISSING_AFTER_SECONDS }
  }
  if (claim.settledBefore) {
    return {
      ...absent,
      state: claim.state,
      priority: PRIORITY.sweep,
      dueAfterSeconds: sweepAfterSeconds(policy),
    }
  }
  return {
    ...absent,
    state: 'pending',
    priority: PRIORITY.firstAsk,
    dueAfterSeconds: absentAfterSeconds(absences),
  }
}

/** The ledger row after a record that cannot be loaded; it waits for `requeue`. */
export function afterQuarantine(claim: Claim, reason: string): LedgerUpdate {
  return {
    state: 'quarantined',
    priority: PRIORITY.firstAsk,
    dueAfterSeconds: null,
    absences: claim.absences,
    lastError: reason,
    confirmed: false,
    answerDigest: null,
  }
}

function sweepAfterSeconds({ refreshHours }: LedgerPolicy): number {
  return refreshHours * 3600
}

function absenceText(absences: number): string {
  return absences === 1
    ? 'The API did not return it.'
    : `The API did not return it, ${absences} times in a row.`
}
