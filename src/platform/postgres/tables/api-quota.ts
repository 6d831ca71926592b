import type { Generated, Timestamp } from '../column-types.ts'

/** Shared pacing: every process that uses one API key takes its request slots from one row. */
export interface ApiQuotaTable {
  key_fingerprint: string
  next_slot_at: Generated<Timestamp>
  paused_until: Timestamp | null
  last_accepted_at: Timestamp | null
}
