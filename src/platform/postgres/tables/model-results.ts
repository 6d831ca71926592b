import type { Insertable } from 'kysely'
import type { Jsonb } from '../column-types.ts'

/** One row per result of one model, on the whole file or on a clip. */
export interface ModelResultsTable {
  classification_id: number
  result_no: number
  clip_no: number | null
  model: string | null
  unknown: boolean | null
  elapsed_time: number | null
  classification_details: Jsonb | null
  /** What its scores amount to; repeated here for queries over many results. Null where the model abstained. */
  human_score: number | null
  artificial_score: number | null
  top_label: string | null
  top_score: number | null
}

export type ModelResultRow = Required<Insertable<ModelResultsTable>>
