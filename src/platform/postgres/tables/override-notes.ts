import type { Generated, Timestamp } from '../column-types.ts'

/** Append-only: who overrode the machine and why, as told by the organization itself. */
export interface OverrideNotesTable {
  note_id: Generated<number>
  media: Generated<string>
  file_hash: string
  forced_to: string
  author: string
  reason: string
  ticket: string | null
  reviewer: string | null
  noted_at: Generated<Timestamp>
}
