import type { Insertable } from 'kysely'
import type { Generated, Jsonb, Timestamp } from '../column-types.ts'

/** Where the clips stood in the answer, as a JSON Pointer. */
export type ClipsPath = '/details/clips' | '/chunk_details'

/** Current content of each answered identifier; updated in place. */
export interface ClassificationsTable {
  classification_id: number
  media: Generated<string>
  identifier: string
  file_hash: string | null
  api_version: string | null
  status: string | null
  errors: string | null
  name: string | null
  ref_id: string | null
  result_url: string | null
  force_classification: string | null
  revision_no: number
  observed_at: Timestamp
  run_id: string
  clips_path: ClipsPath | null
  extra: Jsonb | null
  /** Counted here for queries over many classifications. */
  clip_count: number
  judged_clip_count: number
  artificial_clip_count: number
  /** Different models that gave a result on the whole file. */
  model_count: number
}

export type NewClassificationRow = Required<Insertable<ClassificationsTable>>
