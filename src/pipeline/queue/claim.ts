import type { IdentifierState } from '../../platform/postgres/tables/identifiers.ts'

/** One identifier that this run may ask for, until its lease runs out. */
export interface Claim {
  readonly id: number
  readonly identifier: string
  /** Which claim of the row this is; a write under another one is refused. */
  readonly claimNo: number
  readonly state: IdentifierState
  /** Whether it has ever been done or errored. */
  readonly wasFinished: boolean
  /** Higher is asked first. */
  readonly priority: number
  readonly attempts: number
  /** Identifiers that a request with this one may hold; null when it may be full. */
  readonly requestLimit: number | null
  readonly absences: number
  /** Of the record that the last answer brought, if that was finished; null when the next one has to be read. */
  readonly recordDigest: string | null
  /** Seconds since it was enqueued, by the database's clock. */
  readonly ageSeconds: number
}
