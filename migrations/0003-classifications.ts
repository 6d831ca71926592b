import { type CreateTableBuilder, type Kysely, sql } from 'kysely'
import { commentOn } from './comment-on.ts'

const ID = 'Which classification this belongs to (classifications.classification_id).'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createClassifications(db)
  await createClips(db)
  await createVerdicts(db)
  await createVerdictModels(db)
  await createModelResults(db)
  await createModelScores(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of [
    'model_scores',
    'model_results',
    'verdict_models',
    'verdicts',
    'clips',
    'classifications',
  ]) {
    await db.schema.dropTable(`identifai.${table}`).execute()
  }
}

async function createClassifications(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.classifications')
    .addColumn('classification_id', 'bigint', (c) => c.notNull())
    .addColumn('media', 'text', (c) => c.notNull().defaultTo('audio'))
    .addColumn('identifier', 'text', (c) => c.notNull())
    .addColumn('file_hash', 'text')
    .addColumn('api_version', 'text')
    .addColumn('status', 'text')
    .addColumn('errors', 'text')
    .addColumn('name', 'text')
    .addColumn('ref_id', 'text')
    .addColumn('result_url', 'text')
    .addColumn('force_classification', 'text')
    .addColumn('revision_no', 'integer', (c) => c.notNull())
    .addColumn('observed_at', 'timestamptz', (c) => c.notNull())
    .addColumn('run_id', 'uuid', (c) => c.notNull())
    .addColumn('clips_path', 'text')
    .addColumn('extra', 'jsonb')
    .addColumn('clip_count', 'integer', (c) => c.notNull())
    .addColumn('judged_clip_count', 'integer', (c) => c.notNull())
    .addColumn('artificial_clip_count', 'integer', (c) => c.notNull())
    .addColumn('model_count', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('classifications_pkey', ['classification_id'])
    .addCheckConstraint(
      'classifications_clips_path_known',
      sql`clips_path in ('/details/clips', '/chunk_details')`,
    )
    .execute()
  // Finds the hash siblings of a classification whose force changed.
  await db.schema
    .createIndex('classifications_file_hash_idx')
    .on('identifai.classifications')
    .columns(['media', 'file_hash'])
    .execute()
  await commentOn(
    db,
    'identifai.classifications',
    'The current content of each answered identifier: one row per classification, updated in place. History is in classification_revisions.',
    {
      classification_id: 'identifiers.id of the identifier this answers.',
      media: 'Kind of medium.',
      identifier: 'Names one submission.',
      file_hash:
        'SHA-256 of the audio file, the API\'s "hash": many identifiers can share one. Null when not returned.',
      api_version: 'API version at the time of the analysis; set when it completes.',
      status:
        'new, done or errored, as received; null from before API v1.1.0, when a verdict means done. What it amounts to is in classification_revisions, and in identifai_reporting.classifications.',
      errors: 'What the API says went wrong; a list of messages is joined by line breaks.',
      name: 'Name of the audio file.',
      ref_id: "The submitter's own label; not unique.",
      result_url: 'Link to the result on the dashboard; a link, not content.',
      force_classification:
        "The forced label; where it is set it counts, else the main verdict's does. Null when not forced.",
      revision_no: 'The revision (classification_revisions) that these rows hold.',
      observed_at: 'When this content was first received, by the database clock.',
      run_id: 'The run that received it.',
      clips_path: 'Where the clips stood in the answer (JSON Pointer); null when there were none.',
      extra: 'Fields that the contract does not know: JSON Pointer to value; null when there are none.',
      clip_count: 'Rows of clips; counted here for queries over many classifications.',
      judged_clip_count: 'Those of them with a label.',
      artificial_clip_count: 'Those of them with the label artificial.',
      model_count: 'Different models in model_results on the whole file.',
    },
  )
}

async function createClips(db: Kysely<unknown>): Promise<void> {
  await ofClassification(db.schema.createTable('identifai.clips'), 'clips')
    .addColumn('clip_no', 'integer', (c) => c.notNull())
    .addColumn('clip_index', 'double precision')
    .addColumn('clip_start', 'double precision')
    .addColumn('clip_end', 'double precision')
    .addColumn('classification', 'text')
    .addColumn('confidence', 'double precision')
    .addPrimaryKeyConstraint('clips_pkey', ['classification_id', 'clip_no'])
    .execute()
  await commentOn(db, 'identifai.clips', 'One row per clip (segment) of an analyzed file.', {
    classification_id: ID,
    clip_no: 'Our ordinal of the clip in the answer, from 0.',
    clip_index: 'The index that the API gives the clip; neither unique nor gapless for certain.',
    clip_start: 'Start of the clip as given; the API states no unit.',
    clip_end: 'End of the clip as given; the API states no unit.',
    classification:
      "The label of the clip's verdict, as in verdicts; repeated here for queries over many clips.",
    confidence: "The confidence of the clip's verdict, as in verdicts.",
  })
}

async function createVerdicts(db: Kysely<unknown>): Promise<void> {
  await ofClassification(db.schema.createTable('identifai.verdicts'), 'verdicts')
    .addColumn('verdict_no', 'integer', (c) => c.notNull())
    .addColumn('clip_no', 'integer')
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('heuristic', 'text')
    .addColumn('confidence', 'double precision')
    .addColumn('classification', 'text')
    .addColumn('is_repeated', 'boolean', (c) => c.notNull())
    .addColumn('only_model', 'text')
    .addPrimaryKeyConstraint('verdicts_pkey', ['classification_id', 'verdict_no'])
    .addForeignKeyConstraint('verdicts_clip_fkey', ['classification_id', 'clip_no'], 'identifai.clips', [
      'classification_id',
      'clip_no',
    ])
    .addCheckConstraint('verdicts_kind_known', sql`kind in ('main', 'heuristic', 'clip')`)
    .addCheckConstraint('verdicts_clip_has_its_number', sql`(kind = 'clip') = (clip_no is not null)`)
    .execute()
  await commentOn(
    db,
    'identifai.verdicts',
    'One row per verdict: the main one, one per heuristic, one per clip. Count classifications by kind = main only; a file (file_hash) may have several.',
    {
      classification_id: ID,
      verdict_no: 'Our ordinal of the verdict within the classification, from 0.',
      clip_no: 'The clip it judges; null for a verdict on the whole file.',
      kind: "main (the account's default heuristic), heuristic (one of all heuristics) or clip.",
      heuristic: 'How model results were combined; a free string of the API.',
      confidence: "Confidence in the machine's label, 0..1 as far as seen; never of a forced label.",
      classification: "The machine's label, human or artificial as far as documented.",
      is_repeated:
        'Whether an earlier verdict on the whole file has the same heuristic: the main one usually stands among those of all heuristics once more. The reporting views show the first.',
      only_model: 'The model that it used, where it names one only, as in verdict_models.',
    },
  )
}

async function createVerdictModels(db: Kysely<unknown>): Promise<void> {
  await ofClassification(db.schema.createTable('identifai.verdict_models'))
    .addColumn('verdict_no', 'integer', (c) => c.notNull())
    .addColumn('model_no', 'integer', (c) => c.notNull())
    .addColumn('model', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('verdict_models_pkey', ['classification_id', 'verdict_no', 'model_no'])
    .addForeignKeyConstraint(
      'verdict_models_verdict_fkey',
      ['classification_id', 'verdict_no'],
      'identifai.verdicts',
      ['classification_id', 'verdict_no'],
      (fk) => fk.onDelete('cascade'),
    )
    .execute()
  await commentOn(db, 'identifai.verdict_models', 'One row per model that a verdict used.', {
    classification_id: ID,
    verdict_no: 'The verdict (verdicts.verdict_no).',
    model_no: 'Our ordinal of the model within the verdict, from 0.',
    model: 'Name of the detection model; a free string of the API.',
  })
}

async function createModelResults(db: Kysely<unknown>): Promise<void> {
  await ofClassification(db.schema.createTable('identifai.model_results'), 'model_results')
    .addColumn('result_no', 'integer', (c) => c.notNull())
    .addColumn('clip_no', 'integer')
    .addColumn('model', 'text')
    .addColumn('unknown', 'boolean')
    .addColumn('elapsed_time', 'double precision')
    .addColumn('classification_details', 'jsonb')
    .addColumn('human_score', 'double precision')
    .addColumn('artificial_score', 'double precision')
    .addColumn('top_label', 'text')
    .addColumn('top_score', 'double precision')
    .addPrimaryKeyConstraint('model_results_pkey', ['classification_id', 'result_no'])
    .addForeignKeyConstraint('model_results_clip_fkey', ['classification_id', 'clip_no'], 'identifai.clips', [
      'classification_id',
      'clip_no',
    ])
    .execute()
  await commentOn(
    db,
    'identifai.model_results',
    'One row per result of one detection model, on the whole file or on a clip; never average the two together.',
    {
      classification_id: ID,
      result_no: 'Our ordinal of the result within the classification, from 0.',
      clip_no: 'The clip it is about; null for the whole file.',
      model: 'Name of the detection model; a free string of the API.',
      unknown: 'True when the model abstained.',
      elapsed_time: 'Time the model took as given; the API states no unit.',
      classification_details: 'Whatever else the model says, as received.',
      human_score:
        'The highest score of the label human in model_scores, repeated here for queries over many results; null when there is none, or the model abstained.',
      artificial_score: 'The same of the label artificial.',
      top_label: 'The label with the highest score, the first of equals; null likewise.',
      top_score: 'That score.',
    },
  )
}

async function createModelScores(db: Kysely<unknown>): Promise<void> {
  await ofClassification(db.schema.createTable('identifai.model_scores'))
    .addColumn('result_no', 'integer', (c) => c.notNull())
    .addColumn('score_no', 'integer', (c) => c.notNull())
    .addColumn('label', 'text')
    .addColumn('score', 'double precision')
    .addPrimaryKeyConstraint('model_scores_pkey', ['classification_id', 'result_no', 'score_no'])
    .addForeignKeyConstraint(
      'model_scores_result_fkey',
      ['classification_id', 'result_no'],
      'identifai.model_results',
      ['classification_id', 'result_no'],
      (fk) => fk.onDelete('cascade'),
    )
    .execute()
  await commentOn(
    db,
    'identifai.model_scores',
    'One row per label that a model scored; find a score by its label, not by its position.',
    {
      classification_id: ID,
      result_no: 'The result (model_results.result_no).',
      score_no: 'Our ordinal of the label within the result, from 0.',
      label: 'human or artificial as far as documented.',
      score: 'Score of the label, 0..1 as far as seen.',
    },
  )
}

/** Leads the table with classification_id; with a name, it also hangs it directly below classifications. */
function ofClassification<T extends string>(
  table: CreateTableBuilder<T>,
  name?: string,
): CreateTableBuilder<T, 'classification_id'> {
  const keyed = table.addColumn('classification_id', 'bigint', (c) => c.notNull())
  if (name === undefined) return keyed
  return keyed.addForeignKeyConstraint(
    `${name}_classification_fkey`,
    ['classification_id'],
    'identifai.classifications',
    ['classification_id'],
    (fk) => fk.onDelete('cascade'),
  )
}
