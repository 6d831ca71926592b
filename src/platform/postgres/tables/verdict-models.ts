import type { Insertable } from 'kysely'

/** One row per model that a verdict used. */
export interface VerdictModelsTable {
  classification_id: number
  verdict_no: number
  model_no: number
  model: string
}

export type VerdictModelRow = Required<Insertable<VerdictModelsTable>>
