import { isStorable } from '../contract/find-unstorable.ts'
import type { Issue } from '../contract/validation.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Claim } from '../extract/claim.ts'
import { isJsonObject, type Json, type JsonObject } from '../json.ts'
import type { Outcome } from '../load/outcome.ts'
import { answerDigest, recordText } from '../normalize/answer-digest.ts'
import { evidenceText, storable } from './evidence.ts'
import { afterAbsence, afterAnswer, afterQuarantine, type LedgerPolicy } from './ledger-update.ts'

/** What one answer means: an outcome for every claim, and what in it was for nobody. */
export interface AnswerReading {
  readonly outcomes: readonly Outcome[]
  /** Records that belong to a claim. */
  readonly returned: number
  /** Entries that are null, no record, or lack an identifier. */
  readonly nameless: number
  /** Records with an identifier that nobody asked for. */
  readonly unasked: number
  /** Records whose identifier came again later in the answer; the last one counts. */
  readonly repeated: number
}

/** Reads an answer: joined by identifier, never by position. */
export function outcomesOf(
  claims: readonly Claim[],
  records: readonly Json[],
  { endpoint, policy }: { readonly endpoint: Endpoint; readonly policy: LedgerPolicy },
): AnswerReading {
  const asked = new Set(claims.map((claim) => claim.identifier))
  const named = records.filter(isNamed)
  const wanted = named.filter((record) => asked.has(record.identifier))
  const byIdentifier = new Map(wanted.map((record) => [record.identifier, record]))
  return {
    outcomes: claims.map((claim) => outcomeOf(claim, byIdentifier.get(claim.identifier), endpoint, policy)),
    returned: byIdentifier.size,
    nameless: records.length - named.length,
    unasked: named.length - wanted.length,
    repeated: wanted.length - byIdentifier.size,
  }
}

function outcomeOf(
  claim: Claim,
  record: JsonObject | undefined,
  endpoint: Endpoint,
  policy: LedgerPolicy,
): Outcome {
  if (record === undefined) {
    const ledger = afterAbsence(claim, policy)
    const disappeared = claim.settledBefore && ledger.state === 'missing' && claim.state !== 'missing'
    return { kind: 'not_returned', claim, ledger, disappeared, refused: false }
  }
  const text = recordText(record)
  const digest = text === null ? null : answerDigest(text)
  if (isSettled(claim) && text !== null && digest === claim.answerDigest && saysAll(text, record)) {
    return { kind: 'identical', claim, ledger: afterAnswer(claim, claim.state, policy, digest) }
  }
  const validation = endpoint.validate(record)
  if (validation.accepted) {
    const { classification } = validation
    const rows = endpoint.normalize(claim.id, classification)
    const ledger = afterAnswer(claim, rows.revision.status, policy, digest)
    return { kind: 'answered', claim, ledger, rows, text: text as string, drift: classification.drift }
  }
  return {
    ...quarantined(claim, validation.issues),
    reason: validation.reason,
    payload: evidenceText(record),
  }
}

/** Whether a text is the record itself: a number beyond double precision, which cannot be stored, is null in it. */
function saysAll(text: string, record: JsonObject): boolean {
  return !text.includes('null') || isStorable(record)
}

function isSettled(claim: Claim): claim is Claim & { readonly state: 'done' | 'errored' } {
  return claim.state === 'done' || claim.state === 'errored'
}

function quarantined(claim: Claim, found: readonly Issue[]) {
  const issues = found.map(({ path, message }) => ({ path: storable(path), message: storable(message) }))
  const [first] = issues
  const why = `The answer cannot be loaded: ${first?.path || 'the record'} ${first?.message}`
  return {
    kind: 'quarantined',
    claim,
    ledger: afterQuarantine(claim, why),
    issues,
    httpStatus: null,
  } as const
}

type NamedRecord = JsonObject & { readonly identifier: string }

function isNamed(record: Json): record is NamedRecord {
  return isJsonObject(record) && Object.hasOwn(record, 'identifier') && typeof record.identifier === 'string'
}
