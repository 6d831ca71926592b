import { type Kysely, sql } from 'kysely'
import { commentOn } from './comment-on.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createRefusal(db)
  await createRevisions(db)
  await createPayloads(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('identifai.revision_payloads').execute()
  await db.schema.dropTable('identifai.classification_revisions').execute()
  await sql`drop function identifai.refuse_history_change()`.execute(db)
}

async function createRefusal(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function identifai.refuse_history_change() returns trigger language plpgsql as $$
    begin
      raise exception '% on identifai.% is refused: history is append-only, it is the only record of what was seen and when',
        tg_op, tg_table_name using errcode = 'restrict_violation';
    end $$`.execute(db)
  await sql`comment on function identifai.refuse_history_change() is 'Trigger: keeps history append-only.'`.execute(
    db,
  )
}

async function createRevisions(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.classification_revisions')
    .addColumn('classification_id', 'bigint', (c) => c.notNull())
    .addColumn('revision_no', 'integer', (c) => c.notNull())
    .addColumn('observed_at', 'timestamptz', (c) => c.notNull())
    .addColumn('previous_confirmed_at', 'timestamptz')
    .addColumn('run_id', 'uuid', (c) => c.notNull())
    .addColumn('causes', sql`text[]`, (c) => c.notNull())
    .addColumn('identifier', 'text', (c) => c.notNull())
    .addColumn('source', 'text')
    .addColumn('submitted_at', 'timestamptz')
    .addColumn('name', 'text')
    .addColumn('ref_id', 'text')
    .addColumn('result_url', 'text')
    .addColumn('file_hash', 'text')
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('api_version', 'text')
    .addColumn('machine_classification', 'text')
    .addColumn('machine_confidence', 'double precision')
    .addColumn('machine_heuristic', 'text')
    .addColumn('force_classification', 'text')
    .addColumn('content_digest', 'text', (c) => c.notNull())
    .addColumn('digest_version', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('classification_revisions_pkey', ['classification_id', 'revision_no'])
    .addCheckConstraint('classification_revisions_number_from_1', sql`revision_no >= 1`)
    .addCheckConstraint('classification_revisions_causes_not_empty', sql`cardinality(causes) > 0`)
    .addCheckConstraint('classification_revisions_status_known', sql`status in ('new', 'done', 'errored')`)
    .addCheckConstraint('classification_revisions_digest_is_sha256', sql`content_digest ~ '^[0-9a-f]{64}$'`)
    .execute()
  await sql`
    create trigger classification_revisions_append_only before update or delete or truncate
    on identifai.classification_revisions for each statement execute function identifai.refuse_history_change()`.execute(
    db,
  )
  // Changes of force are few among revisions, and what reports are about. Kysely has no word for the operator.
  await sql`
    create index classification_revisions_force_idx on identifai.classification_revisions (observed_at)
    where causes && array['forced', 'force_changed', 'unforced', 'already_forced']`.execute(db)
  // When something was first seen, and when it changed; it grows at its end.
  await db.schema
    .createIndex('classification_revisions_observed_idx')
    .on('identifai.classification_revisions')
    .column('observed_at')
    .execute()
  // Analyses that run again are few at any time; sealing a run counts them.
  await sql`
    create index classification_revisions_unfinished_idx on identifai.classification_revisions
    (classification_id, revision_no) where status = 'new' and revision_no > 1`.execute(db)
  await commentOn(
    db,
    'identifai.classification_revisions',
    'Append-only history: one row per distinct content seen of each classification. It references nothing, so that nothing can take it along.',
    {
      classification_id: 'identifiers.id of the identifier.',
      revision_no: 'Counts the revisions of one classification, from 1.',
      observed_at: 'Database clock when the answer with this content was received: the change is not later.',
      previous_confirmed_at:
        'Database clock before the last request left that still brought the former content (the former finished content, once there was one): the change of content is not earlier. Null at first. It bounds no force that was already_forced.',
      run_id: 'The run that received it.',
      causes:
        'Why this revision exists. Force, seen to change between two finished answers: forced, force_changed, unforced; the two times of the revision bound it. already_forced: forced already in the first finished answer, nobody saw when, and the two times do not bound it. Others: first_seen, status_changed, heuristic_switched, verdict_changed, models_changed, scores_changed, api_version_changed, details_changed, hash_changed, errors_changed, metadata_changed (name, ref_id, or the force of an unfinished record), extra_changed, disappeared (the API stopped returning it), reappeared.',
      identifier: 'Names one submission.',
      source: 'identifiers.source as it stood.',
      submitted_at: 'identifiers.submitted_at as it stood.',
      name: 'Name of the audio file.',
      ref_id: "The submitter's own label.",
      result_url: 'Link to the result as it stood; a link, not content.',
      file_hash: 'SHA-256 of the audio file.',
      status: 'What the answer amounts to: new, done or errored.',
      api_version: 'API version at the time of the analysis.',
      machine_classification: "The main verdict's label: the machine's, whatever was forced.",
      machine_confidence: "Confidence in the machine's label; never of a forced label.",
      machine_heuristic: 'Heuristic of the main verdict.',
      force_classification: "The forced label, which counts instead of the machine's; null when not forced.",
      content_digest: 'SHA-256 (hex) of the canonical content; the same content has the same digest.',
      digest_version: 'Which definition of the canonical content was used; digests compare within one only.',
    },
  )
}

async function createPayloads(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.revision_payloads')
    .addColumn('classification_id', 'bigint', (c) => c.notNull())
    .addColumn('revision_no', 'integer', (c) => c.notNull())
    .addColumn('payload', 'jsonb', (c) => c.notNull())
    .addPrimaryKeyConstraint('revision_payloads_pkey', ['classification_id', 'revision_no'])
    .addForeignKeyConstraint(
      'revision_payloads_revision_fkey',
      ['classification_id', 'revision_no'],
      'identifai.classification_revisions',
      ['classification_id', 'revision_no'],
    )
    .execute()
  await sql`
    create trigger revision_payloads_unchanged before update or truncate
    on identifai.revision_payloads for each statement execute function identifai.refuse_history_change()`.execute(
    db,
  )
  await commentOn(
    db,
    'identifai.revision_payloads',
    'The record behind each revision, as received. The only part of history that may be removed, by age (prune).',
    {
      classification_id: 'identifiers.id of the identifier.',
      revision_no: 'The revision (classification_revisions.revision_no).',
      payload: 'The record as the API returned it.',
    },
  )
}
