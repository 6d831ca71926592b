import { defineTable, type Row } from '../table.ts'

/** The current content of each identifier that has a record; updated in place. Every medium has these columns. */
export const CLASSIFICATIONS = defineTable({
  name: 'classifications',
  order: [],
  columns: {
    classification_id: 'bigint not null',
    media: 'text not null',
    identifier: 'text not null',
    file_hash: 'text',
    api_version: 'text',
    status: 'text',
    errors: 'text',
    name: 'text',
    ref_id: 'text',
    result_url: 'text',
    force_classification: 'text',
    revision_no: 'integer not null',
    observed_at: 'timestamptz not null',
    run_id: 'uuid not null',
    clips_path: 'text',
    extra: 'jsonb',
    unstorable: 'jsonb',
    clip_count: 'integer not null',
    judged_clip_count: 'integer not null',
    artificial_clip_count: 'integer not null',
    model_count: 'integer not null',
    other_heuristic_count: 'integer not null',
    disagreeing_heuristic_count: 'integer not null',
  },
})

export type ClassificationRow = Row<typeof CLASSIFICATIONS>
