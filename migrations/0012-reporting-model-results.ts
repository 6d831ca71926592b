import { type Kysely, sql } from 'kysely'
import { createView, dropView, type ViewColumn } from './with-comments.ts'
import { IDENTIFICATION, SUBMISSION } from './reporting-columns.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Results on files are few among those on clips. Kysely has no word for INCLUDE.
  await sql`
    create index model_results_file_idx on identifai.model_results (classification_id, result_no)
    include (model, unknown, elapsed_time, human_score, artificial_score, top_label, top_score)
    where clip_no is null`.execute(db)
  await createView(db, 'file_model_results', {
    about:
      'What each model says of the whole file. Scores of a model that abstained are null, so that averages leave them out. Results on clips are in clip_model_results, so that no average mixes the two.',
    grain: 'classification and result of a model on the whole file',
    columns: { ...IDENTIFICATION, ...RESULT, ...SUBMISSION },
    query: results('m.clip_no is null', ''),
  })
  await createView(db, 'clip_model_results', {
    about:
      'What each model says of a clip. Scores of a model that abstained are null, so that averages leave them out. Results on whole files are in file_model_results.',
    grain: 'clip and result of a model on it',
    columns: {
      ...IDENTIFICATION,
      clip_no: { is: 'The clip.', joins: 'clips.clip_no, with classification_id' },
      clip_key: {
        is: 'classification_id and clip_no in one, for tools that relate tables by one column.',
        joins: 'clips.clip_key',
      },
      ...RESULT,
      ...SUBMISSION,
    },
    query: results('m.clip_no is not null', "m.clip_no, m.classification_id || '/' || m.clip_no,"),
  })
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropView(db, 'clip_model_results')
  await dropView(db, 'file_model_results')
  await sql`drop index identifai.model_results_file_idx`.execute(db)
}

const NO_SCORE = 'the model abstained, or gave no such score'

const RESULT: Readonly<Record<string, ViewColumn>> = {
  result_no: {
    is: 'Number of the result within the classification: should a model be there twice, this tells its results apart.',
  },
  model: { is: 'Name of the model.', null: 'not told' },
  abstained: { is: 'Whether the model could not tell (the API calls it unknown).' },
  elapsed_time: { is: 'How long the model took; the API states no unit.', null: 'not told' },
  human_score: {
    is: 'Its score for the label human, wherever it stands in the list; the highest, should it be there twice.',
    null: NO_SCORE,
  },
  artificial_score: {
    is: 'Its score for the label artificial, likewise.',
    null: NO_SCORE,
  },
  top_label: { is: 'The label with its highest score; the first of equals.', null: NO_SCORE },
  top_score: { is: 'That score.', null: NO_SCORE },
}

function results(which: string, clip: string): string {
  return `
    select
      m.classification_id, i.identifier, ${clip} m.result_no, m.model, m.unknown is true, m.elapsed_time,
      m.human_score, m.artificial_score, m.top_label, m.top_score, i.media, i.submitted_at, i.source
    from identifai.model_results as m
    left join identifai.identifiers as i on i.id = m.classification_id
    where ${which}`
}
