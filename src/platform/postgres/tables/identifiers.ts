import type { Generated, Timestamp } from '../column-types.ts'

/** The life of an identifier; ARCHITECTURE.md draws the transitions. */
export const IDENTIFIER_STATES = ['pending', 'done', 'errored', 'missing', 'quarantined', 'retired'] as const
export type IdentifierState = (typeof IDENTIFIER_STATES)[number]

/** The ledger: what we were asked to track, and where each stands. Column comments are in the migration. */
export interface IdentifiersTable {
  id: Generated<number>
  media: Generated<string>
  identifier: string
  submitted_at: Timestamp | null
  source: string | null
  state: Generated<IdentifierState>
  priority: Generated<number>
  due_at: Generated<Timestamp | null>
  attempts: Generated<number>
  absences: Generated<number>
  request_limit: number | null
  lease_until: Timestamp | null
  leased_by: string | null
  claim_no: Generated<number>
  refresh_requested_at: Timestamp | null
  last_error: string | null
  record_digest: Buffer | null
  enqueued_at: Generated<Timestamp>
  last_requested_at: Timestamp | null
  last_confirmed_at: Timestamp | null
  finished_at: Timestamp | null
  retired_at: Timestamp | null
  retired_reason: string | null
}
