import type { Claim } from '../queue/claim.ts'
import type { Outcome } from '../load/outcome.ts'
import { storable } from './evidence.ts'
import { afterAbsence, afterQuarantine, type QueuePolicy } from './identifier-update.ts'

/** How much of the API's words a ledger row repeats; the evidence has more. */
const QUOTED_CHARACTERS = 200

/**
 * What it means that the API refuses a lone identifier: one that has never finished may not be readable yet and counts
 * as not returned, until it would be missing; that one, and one that was finished before, is quarantined.
 */
export function outcomeOfRefusal(
  claim: Claim,
  refusal: { readonly status: number; readonly body: string },
  policy: QueuePolicy,
): Outcome {
  const body = storable(refusal.body)
  const why = `The API refuses it (${refusal.status}): ${body.slice(0, QUOTED_CHARACTERS).toWellFormed()}`
  const absence = afterAbsence(claim, policy)
  if (!claim.wasFinished && absence.state !== 'missing') {
    return {
      kind: 'not_returned',
      claim,
      ledger: { ...absence, lastError: why },
      disappeared: false,
      refused: true,
    }
  }
  return {
    kind: 'quarantined',
    claim,
    ledger: { ...afterQuarantine(claim, why), absences: absence.absences },
    reason: 'refused_by_api',
    issues: [{ path: '', message: `refused with status ${refusal.status}` }],
    httpStatus: refusal.status,
    payload: body,
  }
}
