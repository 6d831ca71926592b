import type { Insertable } from 'kysely'
import type { Timestamp } from '../column-types.ts'

/** What an answer amounts to, whether or not it has a status. */
export type EffectiveStatus = 'new' | 'done' | 'errored'

/** Append-only history: one row per distinct content seen. */
export interface ClassificationRevisionsTable {
  classification_id: number
  revision_no: number
  observed_at: Timestamp
  previous_confirmed_at: Timestamp | null
  run_id: string
  causes: string[]
  identifier: string
  source: string | null
  submitted_at: Timestamp | null
  name: string | null
  ref_id: string | null
  result_url: string | null
  file_hash: string | null
  status: EffectiveStatus
  api_version: string | null
  machine_classification: string | null
  machine_confidence: number | null
  machine_heuristic: string | null
  force_classification: string | null
  content_digest: string
  digest_version: number
}

export type NewRevisionRow = Required<Insertable<ClassificationRevisionsTable>>
