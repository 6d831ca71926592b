import type { EffectiveStatus } from '../db/tables/classification-revisions.ts'
import type { Claim } from '../extract/claim.ts'
import type { LedgerUpdate } from '../load/outcome.ts'
import { absentAfterSeconds, MISSING_AFTER_SECONDS, pollAfterSeconds } from './due-time.ts'

/** The settings that decide when a row is due again. */
export interface LedgerPolicy {
  readonly missingAfter: number
  readonly refreshHours: number
}

/** Priority of what has no final answer yet. */
const FIRST_ASK = 0

/** Priority of what has one and is asked again all the same; whatever is above it goes first. */
export const SWEEP = -10

/** The ledger row after an answer that fits the contract. */
export function afterAnswer(claim: Claim, status: EffectiveStatus, policy: LedgerPolicy): LedgerUpdate {
  const answered = { absences: 0, lastError: null, confirmed: true }
  if (status !== 'new') {
    return { ...answered, state: status, priority: SWEEP, dueAfterSeconds: sweepAfterSeconds(policy) }
  }
  // A finished one whose analysis runs again stays what it was, and is polled.
  const state = claim.state === 'done' || claim.state === 'errored' ? claim.state : 'pending'
  return { ...answered, state, priority: FIRST_ASK, dueAfterSeconds: pollAfterSeconds(claim.ageSeconds) }
}

/** The ledger row after an answer that left the identifier out. */
export function afterAbsence(claim: Claim, policy: LedgerPolicy): LedgerUpdate {
  const absences = claim.absences + 1
  const absent = { absences, confirmed: false, lastError: absenceText(absences) }
  if (claim.state === 'missing' || absences >= policy.missingAfter) {
    return { ...absent, state: 'missing', priority: SWEEP, dueAfterSeconds: MISSING_AFTER_SECONDS }
  }
  if (claim.settledBefore) {
    return { ...absent, state: claim.state, priority: SWEEP, dueAfterSeconds: sweepAfterSeconds(policy) }
  }
  return { ...absent, state: 'pending', priority: FIRST_ASK, dueAfterSeconds: absentAfterSeconds(absences) }
}

/** The ledger row after a record that cannot be loaded; it waits for `requeue`. */
export function afterQuarantine(claim: Claim, reason: string): LedgerUpdate {
  return {
    state: 'quarantined',
    priority: FIRST_ASK,
    dueAfterSeconds: null,
    absences: claim.absences,
    lastError: reason,
    confirmed: false,
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
