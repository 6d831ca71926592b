import type { Insertable } from 'kysely'

/** The main verdict, one of all heuristics, or the verdict on a clip. */
export type VerdictKind = 'main' | 'heuristic' | 'clip'

/** One row per verdict. */
export interface VerdictsTable {
  classification_id: number
  verdict_no: number
  clip_no: number | null
  kind: VerdictKind
  heuristic: string | null
  confidence: number | null
  classification: string | null
  /** Whether an earlier verdict on the whole file has the same heuristic. */
  is_repeated: boolean
  /** The model that it used, where it names one only. */
  only_model: string | null
}

export type VerdictRow = Required<Insertable<VerdictsTable>>
