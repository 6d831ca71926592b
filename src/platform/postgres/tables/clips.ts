import type { Insertable } from 'kysely'

/** One row per clip (segment) of an analyzed file. */
export interface ClipsTable {
  classification_id: number
  clip_no: number
  clip_index: number | null
  clip_start: number | null
  clip_end: number | null
  /** Of the clip's verdict; repeated here for queries over many clips. */
  classification: string | null
  confidence: number | null
}

export type ClipRow = Required<Insertable<ClipsTable>>
