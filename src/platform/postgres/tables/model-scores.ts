import type { Insertable } from 'kysely'

/** One row per label that a model scored. */
export interface ModelScoresTable {
  classification_id: number
  result_no: number
  score_no: number
  label: string | null
  score: number | null
}

export type ModelScoreRow = Required<Insertable<ModelScoresTable>>
