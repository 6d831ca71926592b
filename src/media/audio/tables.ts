import { defineTable, type DataTable, type Row } from '../../platform/postgres/table.ts'

/** One row for each clip (segment) of an analyzed file. */
const CLIPS = defineTable({
  name: 'clips',
  order: ['clip_no'],
  columns: {
    classification_id: 'bigint not null',
    clip_no: 'integer not null',
    clip_index: 'double precision',
    clip_start: 'double precision',
    clip_end: 'double precision',
    classification: 'text',
    confidence: 'double precision',
  },
})

/** The main verdict, the verdict of one heuristic, or the verdict on a clip. */
const VERDICT_KINDS = ['main', 'heuristic', 'clip'] as const
export type VerdictKind = (typeof VERDICT_KINDS)[number]

const VERDICTS = defineTable({
  name: 'verdicts',
  order: ['verdict_no'],
  columns: {
    classification_id: 'bigint not null',
    verdict_no: 'integer not null',
    clip_no: 'integer',
    kind: ['text not null', VERDICT_KINDS],
    heuristic: 'text',
    confidence: 'double precision',
    classification: 'text',
    is_repeated: 'boolean not null',
    only_model: 'text',
  },
})

/** One row for each model that a verdict used. */
const VERDICT_MODELS = defineTable({
  name: 'verdict_models',
  order: ['verdict_no', 'model_no'],
  columns: {
    classification_id: 'bigint not null',
    verdict_no: 'integer not null',
    model_no: 'integer not null',
    model: 'text not null',
  },
})

/** One row for each result of one model, on the whole file or on a clip. */
const MODEL_RESULTS = defineTable({
  name: 'model_results',
  order: ['result_no'],
  columns: {
    classification_id: 'bigint not null',
    result_no: 'integer not null',
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
})

/** One row for each label that a model scored. */
const MODEL_SCORES = defineTable({
  name: 'model_scores',
  order: ['result_no', 'score_no'],
  columns: {
    classification_id: 'bigint not null',
    result_no: 'integer not null',
    score_no: 'integer not null',
    label: 'text',
    score: 'double precision',
  },
})

/** The tables that only audio has, parents before children. */
export const AUDIO_TABLES = [
  CLIPS,
  VERDICTS,
  VERDICT_MODELS,
  MODEL_RESULTS,
  MODEL_SCORES,
] as const satisfies readonly DataTable[]

/** The rows of one classification in these tables, each list in the order of its ordinals. */
export type AudioRows = {
  [T in (typeof AUDIO_TABLES)[number] as T['name']]: Row<T>[]
}

export type ModelResultRow = Row<typeof MODEL_RESULTS>
