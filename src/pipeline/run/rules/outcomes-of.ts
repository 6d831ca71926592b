import type { Endpoint } from '../../../media/endpoint.ts'
import type { Issue } from '../../../media/validation.ts'
import { isJsonObject, type JsonObject } from '../../../platform/json.ts'
import { type FinishedState, isFinished } from '../../../platform/postgres/tables/queue.ts'
import { storable } from '../../../platform/text.ts'
import type { LastRecords, ResponseRecord } from '../../api/records.ts'
import type { Outcome } from '../../load/outcome.ts'
import type { Claim } from '../../queue/claim.ts'
import { afterAbsence, afterQuarantine, afterRecord, type QueuePolicy } from './identifier-update.ts'

/** Length of the API's text that the row of an identifier repeats. */
const QUOTED_CHARACTERS = 200

/** The result of one response: an outcome for every claim, and the records that belong to none. */
export interface ResponseReading {
  readonly outcomes: readonly Outcome[]
  /** Records that belong to a claim. */
  readonly returned: number
  /** Elements that are null, not a record, or without an identifier. */
  readonly nameless: number
  /** Records with an identifier that was not requested. */
  readonly unrequested: number
  /** Records whose identifier comes again later in the response; the last one counts. */
  readonly repeated: number
}

/**
 * Reads the records of a response; matches them by identifier, never by position.
 *
 * @param records Read once; an error that reading throws is thrown.
 */
export function outcomesOf(
  claims: readonly Claim[],
  records: Iterable<ResponseRecord>,
  { endpoint, policy }: { readonly endpoint: Endpoint; readonly policy: QueuePolicy },
): ResponseReading {
  const requested = new Map(claims.map((claim) => [claim.identifier, claim]))
  const outcomes = new Map<Claim, Outcome>()
  const ignored = { nameless: 0, unrequested: 0, repeated: 0 }
  for (const record of records) {
    const identifier = identifierOf(record)
    const claim = identifier === undefined ? undefined : requested.get(identifier)
    if (identifier === undefined) ignored.nameless++
    else if (claim === undefined) ignored.unrequested++
    else {
      if (outcomes.has(claim)) ignored.repeated++
      outcomes.set(claim, outcomeOf(claim, record, endpoint, policy))
    }
  }
  return {
    outcomes: claims.map((claim) => outcomes.get(claim) ?? outcomeOfAbsence(claim, policy)),
    returned: outcomes.size,
    ...ignored,
  }
}

/**
 * The result of a refusal of one identifier that was requested alone: it counts as one absence, because it may be readable
 * the next time. It is requested alone then, so that no batch has to be split to find it again.
 */
export function outcomeOfRefusal(
  claim: Claim,
  refusal: { readonly status: number; readonly body: string },
  policy: QueuePolicy,
): Outcome {
  const absence = outcomeOfAbsence(claim, policy)
  const quoted = storable(refusal.body).slice(0, QUOTED_CHARACTERS).toWellFormed()
  const lastError = `The API refuses it (${refusal.status}): ${quoted}`
  return { ...absence, update: { ...absence.update, lastError, requestLimit: 1 }, refused: true }
}

/** The last records of these claims, if finished: a record that is identical to them has nothing new. */
export function lastRecordsOf(claims: readonly Claim[]): LastRecords {
  return new Map(
    claims.filter(hasLastRecord).map(({ recordDigest, identifier }) => [recordDigest, identifier]),
  )
}

/** A claim of an identifier whose last record was finished, so that an identical one may come. */
type FinishedClaim = Claim & { readonly state: FinishedState; readonly recordDigest: string }

function hasLastRecord(claim: Claim): claim is FinishedClaim {
  return isFinished(claim.state) && claim.recordDigest !== null
}

function outcomeOfAbsence(claim: Claim, policy: QueuePolicy): Extract<Outcome, { kind: 'not_returned' }> {
  const update = afterAbsence(claim, policy)
  const disappeared = claim.wasFinished && update.state === 'missing' && claim.state !== 'missing'
  return { kind: 'not_returned', claim, update, disappeared, refused: false }
}

function outcomeOf(claim: Claim, record: ResponseRecord, endpoint: Endpoint, policy: QueuePolicy): Outcome {
  if (record.kind === 'identical') {
    const { state, recordDigest } = claim as FinishedClaim
    return {
      kind: 'identical',
      claim,
      update: afterRecord(claim, { status: state, hasKnownStatus: true }, policy, recordDigest),
    }
  }
  const { bytes } = record
  const validation = endpoint.validate(record.value as JsonObject)
  if (validation.accepted) {
    const { classification } = validation
    const rows = endpoint.normalize(claim.id, classification)
    const { hasKnownStatus, revision } = rows
    const update = afterRecord(claim, { ...revision, hasKnownStatus }, policy, record.recordDigest)
    return { kind: 'returned', claim, update, rows, bytes, drift: classification.drift }
  }
  return { ...quarantined(claim, validation.issues), reason: validation.reason, payload: bytes.toString() }
}

function quarantined(claim: Claim, found: readonly Issue[]) {
  const issues = found.map(({ path, message }) => ({ path: storable(path), message: storable(message) }))
  const [first] = issues
  const lastError = `The record cannot be loaded: ${first?.path || 'the record'} ${first?.message}`
  return {
    kind: 'quarantined',
    claim,
    update: afterQuarantine(claim, lastError),
    issues,
  } as const
}

/** The identifier of an element; undefined where it is null, not a record, or has none. */
function identifierOf(record: ResponseRecord): string | undefined {
  if (record.kind === 'identical') return record.identifier
  const { value } = record
  const isNamed = isJsonObject(value) && Object.hasOwn(value, 'identifier')
  return isNamed && typeof value.identifier === 'string' ? value.identifier : undefined
}
