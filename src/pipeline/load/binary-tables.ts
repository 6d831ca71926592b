import type { ClipRow } from '../../platform/postgres/tables/clips.ts'
import type { ModelResultRow } from '../../platform/postgres/tables/model-results.ts'
import type { ModelScoreRow } from '../../platform/postgres/tables/model-scores.ts'
import type { NewRevisionPayloadRow } from '../../platform/postgres/tables/revision-payloads.ts'
import type { VerdictModelRow } from '../../platform/postgres/tables/verdict-models.ts'
import type { VerdictRow } from '../../platform/postgres/tables/verdicts.ts'
import type { BinaryColumns } from './binary-rows.ts'

/** The tables that are written in binary: those with many rows to a classification, or large ones. */
export interface BinaryTables {
  readonly clips: ClipRow
  readonly verdicts: VerdictRow
  readonly verdict_models: VerdictModelRow
  readonly model_results: ModelResultRow
  readonly model_scores: ModelScoreRow
  readonly revision_payloads: NewRevisionPayloadRow
}

/** Their columns, with the types that the migrations give them. */
export const BINARY_TABLES: { readonly [Table in keyof BinaryTables]: BinaryColumns<BinaryTables[Table]> } = {
  clips: {
    classification_id: 'bigint',
    clip_no: 'integer',
    clip_index: 'double precision',
    clip_start: 'double precision',
    clip_end: 'double precision',
    classification: 'text',
    confidence: 'double precision',
  },
  verdicts: {
    classification_id: 'bigint',
    verdict_no: 'integer',
    clip_no: 'integer',
    kind: 'text',
    heuristic: 'text',
    confidence: 'double precision',
    classification: 'text',
    is_repeated: 'boolean',
    only_model: 'text',
  },
  verdict_models: {
    classification_id: 'bigint',
    verdict_no: 'integer',
    model_no: 'integer',
    model: 'text',
  },
  model_results: {
    classification_id: 'bigint',
    result_no: 'integer',
    clip_no: 'integer',
    model: 'text',
    unknown: 'boolean',
    elapsed_time: 'double precision',
    classification_details: 'jsonb',
    human_score: 'double precision',
    artificial_score: 'double precision',
    top_label: 'text',
    top_score: 'double precision',
  },
  model_scores: {
    classification_id: 'bigint',
    result_no: 'integer',
    score_no: 'integer',
    label: 'text',
    score: 'double precision',
  },
  revision_payloads: {
    classification_id: 'bigint',
    revision_no: 'integer',
    payload: 'jsonb',
  },
}
