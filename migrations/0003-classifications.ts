import { type CreateTableBuilder, type Kysely, sql } from 'kysely'
import { commentOnTable } from './with-comments.ts'

const ID = 'Classification that the row belongs to (classifications.classification_id).'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createClassifications(db)
  await createClips(db)
  await createVerdicts(db)
  await createModelResults(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of ['model_results', 'verdicts', 'clips', 'classifications']) {
    await db.schema.dropTable(`identifai.${table}`).execute()
  }
}

async function createClassifications(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.classifications')
    .addColumn('classification_id', 'bigint', (c) => c.notNull())
    .addColumn('media', 'text', (c) => c.notNull())
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
    .addColumn('unstorable', 'jsonb')
    .addColumn('clip_count', 'integer', (c) => c.notNull())
    .addColumn('judged_clip_count', 'integer', (c) => c.notNull())
    .addColumn('artificial_clip_count', 'integer', (c) => c.notNull())
    .addColumn('model_count', 'integer', (c) => c.notNull())
    .addColumn('other_heuristic_count', 'integer', (c) => c.notNull())
    .addColumn('disagreeing_heuristic_count', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('classifications_pkey', ['classification_id'])
    .addCheckConstraint(
      'classifications_clips_path_known',
      sql`clips_path in ('/details/clips', '/chunk_details')`,
    )
    .execute()
  // Finds the same-file identifiers of a classification whose force changed.
  await db.schema
    .createIndex('classifications_file_hash_idx')
    .on('identifai.classifications')
    .columns(['media', 'file_hash'])
    .execute()
  await commentOnTable(
    db,
    'identifai.classifications',
    'The current content of each identifier that the API returned: one row per classification, updated in place. The history is in classification_revisions.',
    {
      classification_id: 'Key: identifiers.id of the identifier.',
      media: 'Medium.',
      identifier: 'Names one submission.',
      file_hash:
        'SHA-256 of the audio file, "hash" in the API. Many identifiers can have the same. Null when not returned.',
      api_version: 'API version at the time of the analysis; set when the analysis is complete.',
      status:
        'new, done or errored, as received; another status counts as new. Null from before API v1.1.0, when a verdict means done. The resulting status is in classification_revisions and in identifai_reporting.classifications.',
      errors: 'Errors of the analysis, as the API reports them. A list of messages is joined by line breaks.',
      name: 'Name of the audio file.',
      ref_id: "The submitter's own label; not unique.",
      result_url: 'Link to the result on the dashboard. It is not part of the content.',
      force_classification:
        "The forced label. It counts instead of the main verdict's. Null when not forced.",
      revision_no: 'The revision (classification_revisions) that these rows hold.',
      observed_at: 'Database clock when this content was first received.',
      run_id: 'The run that received it.',
      clips_path: 'Place of the clips in the record (JSON Pointer). Null without clips.',
      extra:
        'Fields that are not in the contract: JSON Pointer to value as received. Those within scores are in model_results.other_scores. Null without such fields.',
      unstorable:
        'Fields with U+0000 or half of a surrogate pair, which PostgreSQL cannot store: JSON Pointer to JSON text, both escaped as in JSON. Columns have U+FFFD in place of such a character; file_hash is null then. Null without such fields.',
      clip_count: 'Number of rows in clips, repeated here for queries over many classifications.',
      judged_clip_count: 'Clips with a label.',
      artificial_clip_count: 'Clips with the label artificial.',
      model_count: 'Different models in model_results for the whole file.',
      other_heuristic_count:
        'Heuristics, other than that of the main verdict, with a label for the whole file. 0 when the main verdict has no label.',
      disagreeing_heuristic_count: 'Other heuristics whose label is not that of the main verdict.',
    },
  )
}

async function createClips(db: Kysely<unknown>): Promise<void> {
  await ofClassification(db.schema.createTable('identifai.clips'), 'clips')
    .addColumn('clip_no', 'integer', (c) => c.notNull())
    .addColumn('clip_index', 'double precision')
    .addColumn('clip_start', 'double precision')
    .addColumn('clip_end', 'double precision')
    .addColumn('heuristic', 'text')
    .addColumn('confidence', 'double precision')
    .addColumn('classification', 'text')
    .addColumn('models', sql`text[]`)
    .addPrimaryKeyConstraint('clips_pkey', ['classification_id', 'clip_no'])
    .execute()
  await commentOnTable(db, 'identifai.clips', 'One row per clip (segment) of an analyzed file.', {
    classification_id: ID,
    clip_no: 'Position of the clip in the record, from 0.',
    clip_index: 'Index of the clip in the API; possibly not unique and not gapless.',
    clip_start: 'Start of the clip as given; the API states no unit.',
    clip_end: 'End of the clip as given; the API states no unit.',
    heuristic: 'Heuristic of the verdict on the clip.',
    confidence: "Confidence in the machine's label of the clip, 0..1 as observed.",
    classification: "The machine's label of the clip: human or artificial, as documented.",
    models: 'The models that this verdict used, in the order of the record. Null when not returned.',
  })
}

async function createVerdicts(db: Kysely<unknown>): Promise<void> {
  await ofClassification(db.schema.createTable('identifai.verdicts'), 'verdicts')
    .addColumn('verdict_no', 'integer', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('heuristic', 'text')
    .addColumn('confidence', 'double precision')
    .addColumn('classification', 'text')
    .addColumn('models', sql`text[]`)
    .addColumn('is_repeated', 'boolean', (c) => c.notNull())
    .addPrimaryKeyConstraint('verdicts_pkey', ['classification_id', 'verdict_no'])
    .addCheckConstraint('verdicts_kind_known', sql`kind in ('main', 'heuristic')`)
    .execute()
  await commentOnTable(
    db,
    'identifai.verdicts',
    'One row per verdict on the whole file: the main verdict, and one per heuristic. Verdicts on clips are in clips. To count classifications, count kind = main only; a file (file_hash) can have several classifications.',
    {
      classification_id: ID,
      verdict_no: 'Number of the verdict within the classification, from 0.',
      kind: "main (by the account's default heuristic) or heuristic (one of all heuristics).",
      heuristic: 'The method that combined the model results; any string of the API.',
      confidence: "Confidence in the machine's label, 0..1 as observed; never in a forced label.",
      classification: "The machine's label: human or artificial, as documented.",
      models: 'The models that it used, in the order of the record. Null when not returned.',
      is_repeated:
        'True when an earlier verdict has the same heuristic: usually the main verdict is also in the list of all heuristics. The reporting views show the first.',
    },
  )
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
    .addColumn('other_scores', 'jsonb')
    .addColumn('top_label', 'text')
    .addPrimaryKeyConstraint('model_results_pkey', ['classification_id', 'result_no'])
    // There is no foreign key to clips, because its check of each row takes a quarter of the time of a first load. All
    // rows of a classification are written together, from one record.
    .execute()
  await commentOnTable(
    db,
    'identifai.model_results',
    'One row per result of one detection model, on the whole file or on a clip. Do not average the two kinds together.',
    {
      classification_id: ID,
      result_no: 'Number of the result within the classification, from 0.',
      clip_no: 'The clip that it is about (clips.clip_no). Null for the whole file.',
      model: 'Name of the detection model; any string of the API.',
      unknown: 'True when the model abstained.',
      elapsed_time: 'Time that the model took, as given; the API states no unit.',
      classification_details: 'Further details from the model, as received.',
      human_score:
        'Score of the label human, 0..1 as observed. Null without such a score, or with other_scores.',
      artificial_score: 'Score of the label artificial. Null likewise.',
      other_scores:
        'The list of scores as received, where two columns are not enough: a label twice, another label or field, or no score. Also when the model abstained. Otherwise null.',
      top_label:
        'Label with the highest score, the first of equals. Null without a score, or when the model abstained.',
    },
  )
}

/** Begins the table with classification_id, as a child of classifications. */
function ofClassification<T extends string>(
  table: CreateTableBuilder<T>,
  name: string,
): CreateTableBuilder<T, 'classification_id'> {
  return table
    .addColumn('classification_id', 'bigint', (c) => c.notNull())
    .addForeignKeyConstraint(
      `${name}_classification_fkey`,
      ['classification_id'],
      'identifai.classifications',
      ['classification_id'],
      (fk) => fk.onDelete('cascade'),
    )
}
