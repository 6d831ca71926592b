import type { EffectiveStatus, NewRevisionRow } from '../platform/postgres/tables/classification-revisions.ts'
import type { NewClassificationRow } from '../platform/postgres/tables/classifications.ts'
import type { ClipRow } from '../platform/postgres/tables/clips.ts'
import type { ModelResultRow } from '../platform/postgres/tables/model-results.ts'
import type { ModelScoreRow } from '../platform/postgres/tables/model-scores.ts'
import type { VerdictModelRow } from '../platform/postgres/tables/verdict-models.ts'
import type { VerdictRow } from '../platform/postgres/tables/verdicts.ts'
import type { JsonObject } from '../platform/json.ts'

/** The classification row without what only its loading decides. */
export type ContentRow = Omit<NewClassificationRow, 'revision_no' | 'observed_at' | 'run_id'>

/** The rows that hold one classification; together they hold all of its payload. */
export interface ContentRows {
  readonly classification: ContentRow
  readonly clips: readonly ClipRow[]
  readonly verdicts: readonly VerdictRow[]
  readonly verdictModels: readonly VerdictModelRow[]
  readonly modelResults: readonly ModelResultRow[]
  readonly modelScores: readonly ModelScoreRow[]
}

/** What history records of an answer, without when and why. */
type RevisionFacts = Pick<
  NewRevisionRow,
  | 'name'
  | 'ref_id'
  | 'result_url'
  | 'file_hash'
  | 'api_version'
  | 'machine_classification'
  | 'machine_confidence'
  | 'machine_heuristic'
  | 'force_classification'
  | 'content_digest'
  | 'digest_version'
> & { readonly status: EffectiveStatus }

/** Everything one accepted record becomes: its rows, its line in history, and what to compare it by. */
export interface RowSet extends ContentRows {
  readonly revision: RevisionFacts
  /** Canonical content, the input of the digest. */
  readonly canonical: JsonObject
}
