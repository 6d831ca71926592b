import type { Generated, Jsonb, Timestamp } from '../column-types.ts'

export type QuarantineReason = 'invalid_payload' | 'unstorable' | 'refused_by_api'

/** Records that could not be loaded, kept as evidence. */
export interface QuarantinedPayloadsTable {
  quarantine_id: Generated<number>
  media: Generated<string>
  identifier: string
  run_id: string
  requested_at: Timestamp
  received_at: Timestamp
  quarantined_at: Generated<Timestamp>
  reason: QuarantineReason
  issues: Jsonb
  http_status: number | null
  payload: string | null
  resolved_at: Timestamp | null
}
