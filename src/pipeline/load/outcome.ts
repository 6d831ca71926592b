import type { Drift, Issue } from '../../media/validation.ts'
import type { IdentifierState } from '../../platform/postgres/tables/identifiers.ts'
import type { QuarantineReason } from '../../platform/postgres/tables/quarantined-payloads.ts'
import type { RowSet } from '../../media/row-set.ts'

/** The claim under which an outcome is written; under any other the write is refused. */
export interface Fence {
  readonly id: number
  readonly identifier: string
  readonly claimNo: number
}

/** What one answer means for one claimed identifier, together with what the ledger then says. */
export type Outcome = {
  readonly claim: Fence
  readonly ledger: IdentifierUpdate
} & (
  | {
      readonly kind: 'answered'
      readonly rows: RowSet
      /** The record as received, as JSON text. */
      readonly text: string
      readonly drift: readonly Drift[]
    }
  /** The very record of the last answer, which was finished: nothing of it is new. */
  | { readonly kind: 'identical' }
  /** `refused`: not left out of an answer, but refused when it was asked for alone. */
  | { readonly kind: 'not_returned'; readonly disappeared: boolean; readonly refused: boolean }
  | {
      readonly kind: 'quarantined'
      readonly reason: QuarantineReason
      readonly issues: readonly Issue[]
      readonly httpStatus: number | null
      /** The record or the API's answer, as text that PostgreSQL can store. */
      readonly payload: string
    }
)

/** The ledger row after an outcome. */
export interface IdentifierUpdate {
  readonly state: IdentifierState
  readonly priority: number
  /** Seconds from the request to the next one; null means not again. */
  readonly dueAfterSeconds: number | null
  readonly absences: number
  readonly lastError: string | null
  /** Whether an answer that fits the contract came. */
  readonly confirmed: boolean
  /** By what the same finished record is known when it comes again; null when the next answer has to be read. */
  readonly recordDigest: string | null
}
