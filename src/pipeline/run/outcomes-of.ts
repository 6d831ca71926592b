import type { Issue } from '../../media/validation.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import type { ResponseRecord } from '../api/response-records.ts'
import type { Claim } from '../queue/claim.ts'
import { isJsonObject, type JsonObject } from '../../platform/json.ts'
import type { Outcome } from '../load/outcome.ts'
import { storable } from './evidence.ts'
import type { KnownClaim } from './identical-records.ts'
import { afterAbsence, afterRecord, afterQuarantine, type QueuePolicy } from './identifier-update.ts'

/** What one answer means: an outcome for every claim, and what in it was for nobody. */
export interface ResponseReading {
  readonly outcomes: readonly Outcome[]
  /** Records that belong to a claim. */
  readonly returned: number
  /** Entries that are null, no record, or lack an identifier. */
  readonly nameless: number
  /** Records with an identifier that nobody asked for. */
  readonly unrequested: number
  /** Records whose identifier came again later in the answer; the last one counts. */
  readonly repeated: number
}

/** Reads an answer: joined by identifier, never by position. */
export function outcomesOf(
  claims: readonly Claim[],
  records: readonly ResponseRecord[],
  { endpoint, policy }: { readonly endpoint: Endpoint; readonly policy: QueuePolicy },
): ResponseReading {
  const asked = new Set(claims.map((claim) => claim.identifier))
  const named = records.flatMap((record) => {
    const identifier = identifierOf(record)
    return identifier === undefined ? [] : [{ identifier, record }]
  })
  const wanted = named.filter(({ identifier }) => asked.has(identifier))
  const byIdentifier = new Map(wanted.map(({ identifier, record }) => [identifier, record]))
  return {
    outcomes: claims.map((claim) => outcomeOf(claim, byIdentifier.get(claim.identifier), endpoint, policy)),
    returned: byIdentifier.size,
    nameless: records.length - named.length,
    unrequested: named.length - wanted.length,
    repeated: wanted.length - byIdentifier.size,
  }
}

function outcomeOf(
  claim: Claim,
  record: ResponseRecord | undefined,
  endpoint: Endpoint,
  policy: QueuePolicy,
): Outcome {
  if (record === undefined) {
    const ledger = afterAbsence(claim, policy)
    const disappeared = claim.wasFinished && ledger.state === 'missing' && claim.state !== 'missing'
    return { kind: 'not_returned', claim, ledger, disappeared, refused: false }
  }
  if (record.kind === 'known') {
    const { state, recordDigest } = claim as KnownClaim
    return { kind: 'identical', claim, ledger: afterRecord(claim, state, policy, recordDigest) }
  }
  const { text, digest } = record
  const validation = endpoint.validate(record.value as JsonObject)
  if (validation.accepted) {
    const { classification } = validation
    const rows = endpoint.normalize(claim.id, classification)
    const ledger = afterRecord(claim, rows.revision.status, policy, digest)
    return { kind: 'answered', claim, ledger, rows, text, drift: classification.drift }
  }
  return { ...quarantined(claim, validation.issues), reason: validation.reason, payload: text }
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

/** Whose record it is; undefined where it is null, no record, or lacks an identifier. */
function identifierOf(record: ResponseRecord): string | undefined {
  if (record.kind === 'known') return record.identifier
  const { value } = record
  const named = isJsonObject(value) && Object.hasOwn(value, 'identifier')
  return named && typeof value.identifier === 'string' ? value.identifier : undefined
}
