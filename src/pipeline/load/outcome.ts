import type { RowSet } from '../../media/endpoint.ts'
import type { Drift, Issue } from '../../media/validation.ts'
import type { QuarantineReason } from '../../platform/postgres/tables/history.ts'
import type { IdentifierState } from '../../platform/postgres/tables/queue.ts'
import type { DatabaseTime } from '../../platform/time.ts'
import type { Claim } from '../queue/claim.ts'

/** One response of a run, between the two times that bound the interval of a change. */
export interface Observation {
  readonly runId: string
  /** Database clock before the request left. */
  readonly requestedAt: DatabaseTime
  /** Database clock after the response had been received. */
  readonly receivedAt: DatabaseTime
}

/** The claim under which an outcome is written; under any other claim of the row the write is refused. */
export type ClaimKey = Pick<Claim, 'id' | 'identifier' | 'claimNo'>

/** The result of one response for one claimed identifier, with the update of its row. */
export type Outcome = {
  readonly claim: ClaimKey
  readonly update: IdentifierUpdate
} & (
  | {
      readonly kind: 'returned'
      readonly rows: RowSet
      /** The record as received: JSON in UTF-8. */
      readonly bytes: Buffer
      readonly drift: readonly Drift[]
    }
  /** The record is identical to the last one, which was finished. */
  | { readonly kind: 'identical' }
  /** `refused`: the API refused a request for this identifier alone; otherwise the response did not have it. */
  | { readonly kind: 'not_returned'; readonly disappeared: boolean; readonly refused: boolean }
  | {
      readonly kind: 'quarantined'
      readonly reason: QuarantineReason
      readonly issues: readonly Issue[]
      /** The record, as text that PostgreSQL can store. */
      readonly payload: string
    }
)

export type Returned = Extract<Outcome, { kind: 'returned' }>

/** The row of the identifier after an outcome. */
export interface IdentifierUpdate {
  readonly state: IdentifierState
  readonly priority: number
  /** Seconds from the request to the next one; null when there is none. */
  readonly dueAfterSeconds: number | null
  readonly absences: number
  readonly lastError: string | null
  /** A record came that fits the contract. */
  readonly confirmed: boolean
  /** Recognizes the same finished record when it comes again; null when the next record has to be read. */
  readonly recordDigest: string | null
  /** Most identifiers that its next request may hold; null when that may be full. */
  readonly requestLimit: number | null
}
