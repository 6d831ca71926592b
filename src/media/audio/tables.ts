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
    heuristic: 'text',
    confidence: 'double precision',
    classification: 'text',
    models: 'text[]',
  },
})

/** The main verdict, or the verdict of one heuristic. */
const VERDICT_KINDS = ['main', 'heuristic'] as const
export type VerdictKind = (typeof VERDICT_KINDS)[number]

/** One row for each verdict on the whole file. */
const VERDICTS = defineTable({
  name: 'verdicts',
  order: ['verdict_no'],
  columns: {
    classification_id: 'bigint not null',
    verdict_no: 'integer not null',
    kind: ['text not null', VERDICT_KINDS],
    heuristic: 'text',
    confidence: 'double precision',
    classification: 'text',
    models: 'text[]',
    is_repeated: 'boolean not null',
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
    other_scores: 'jsonb',
    top_label: 'text',
  },
})

/** The tables that only audio has, parents before children. */
export const AUDIO_TABLES = [CLIPS, VERDICTS, MODEL_RESULTS] as const satisfies readonly DataTable[]

/** The rows of one classification in these tables, each list in the order of its ordinals. */
export type AudioRows = {
  [T in (typeof AUDIO_TABLES)[number] as T['name']]: Row<T>[]
}

export type ModelResultRow = Row<typeof MODEL_RESULTS>
