import { type Kysely, sql } from 'kysely'
import { commentOnTable } from './with-comments.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createRefusal(db)
  await createRevisions(db)
  await createPersonalValues(db)
  await createPayloads(db)
  await createQuarantine(db)
  await createDrift(db)
  await createNotes(db)
  await createActions(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const table of [
    'actions',
    'override_notes',
    'schema_drift',
    'quarantined_payloads',
    'revision_payloads',
    'personal_values',
    'classification_revisions',
  ]) {
    await db.schema.dropTable(`identifai.${table}`).execute()
  }
  await sql`drop function identifai.refuse_history_change()`.execute(db)
}

async function createRefusal(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function identifai.refuse_history_change() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
    begin
      raise exception '% on identifai.% is refused: history is append-only, because it is the only record of the past',
        tg_op, tg_table_name using errcode = 'restrict_violation';
    end $$`.execute(db)
  await sql`comment on function identifai.refuse_history_change() is 'Trigger: keeps history append-only.'`.execute(
    db,
  )
}

/** Makes the database refuse every change of a table of the schema identifai except an insert. */
export async function makeAppendOnly(db: Kysely<unknown>, table: string): Promise<void> {
  await sql`
    create trigger ${sql.id(`${table}_append_only`)} before update or delete or truncate
    on identifai.${sql.id(table)} for each statement execute function identifai.refuse_history_change()`.execute(
    db,
  )
}

/** Makes the database refuse every change of a table of history except an insert and a delete. */
async function refuseUpdates(db: Kysely<unknown>, table: string): Promise<void> {
  await sql`
    create trigger ${sql.id(`${table}_unchanged`)} before update or truncate
    on identifai.${sql.id(table)} for each statement execute function identifai.refuse_history_change()`.execute(
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
    .addColumn('media', 'text', (c) => c.notNull())
    .addColumn('identifier', 'text', (c) => c.notNull())
    .addColumn('submitted_at', 'timestamptz')
    .addColumn('file_hash', 'text')
    .addColumn('status', 'text', (c) => c.notNull())
    .addColumn('api_version', 'text')
    .addColumn('machine_classification', 'text')
    .addColumn('machine_confidence', 'double precision')
    .addColumn('machine_heuristic', 'text')
    .addColumn('force_classification', 'text')
    .addColumn('personal_commitment', 'text', (c) => c.notNull())
    .addColumn('payload_commitment', 'text')
    .addPrimaryKeyConstraint('classification_revisions_pkey', ['classification_id', 'revision_no'])
    .addCheckConstraint('classification_revisions_number_from_1', sql`revision_no >= 1`)
    .addCheckConstraint('classification_revisions_causes_not_empty', sql`cardinality(causes) > 0`)
    .addCheckConstraint('classification_revisions_status_known', sql`status in ('new', 'done', 'errored')`)
    .addCheckConstraint(
      'classification_revisions_commitments_are_sha256',
      sql`personal_commitment ~ '^[0-9a-f]{64}$' and payload_commitment ~ '^[0-9a-f]{64}$'`,
    )
    .execute()
  await makeAppendOnly(db, 'classification_revisions')
  // Changes of force are few among revisions, and reports read little else. Kysely cannot express the operator.
  await sql`
    create index classification_revisions_force_idx on identifai.classification_revisions (observed_at)
    where causes && array['forced', 'force_changed', 'unforced', 'already_forced']`.execute(db)
  // Serves queries by the time of an observation or a change. New entries go to its end.
  await db.schema
    .createIndex('classification_revisions_observed_idx')
    .on('identifai.classification_revisions')
    .column('observed_at')
    .execute()
  // Sealing a run counts the analyses that run again. They are few at any time.
  await sql`
    create index classification_revisions_unfinished_idx on identifai.classification_revisions
    (classification_id, revision_no) where status = 'new' and revision_no > 1`.execute(db)
  await commentOnTable(
    db,
    'identifai.classification_revisions',
    'Append-only history: one row per distinct content of each classification. It has no foreign keys, so that no deletion can cascade to it.',
    {
      classification_id: 'identifiers.id of the identifier.',
      revision_no: 'Number of the revision within the classification, from 1.',
      observed_at:
        'Database clock when the response with this content was received. The change happened then or earlier.',
      previous_confirmed_at:
        'Database clock before the last request that returned the former content was sent. The change happened then or later. Once there was a finished content, the former content is the last finished one. Null for the first revision. It does not bound a force that was already_forced.',
      run_id: 'The run that received it.',
      causes:
        'Reasons for which this revision exists. The causes forced, force_changed and unforced: the forced label changed between two finished records, within the two times of the revision. The cause already_forced: it was forced in its first finished record. That change was not observed, so the two times do not bound it. Other changes: status_changed, heuristic_switched, verdict_changed, models_changed, scores_changed, api_version_changed, details_changed, hash_changed, errors_changed, extra_changed. The cause metadata_changed: the name, the ref_id, or the forced label of an unfinished record. Presence: first_seen, disappeared (the API stopped returning it), reappeared.',
      media: 'Kind of medium.',
      identifier: 'Names one submission.',
      submitted_at: 'identifiers.submitted_at at that time.',
      file_hash: 'SHA-256 of the audio file.',
      status: 'Status that results from the record: new, done or errored.',
      api_version: 'API version at the time of the analysis.',
      machine_classification: "The label of the main verdict: the machine's, whether forced or not.",
      machine_confidence: "Confidence in the machine's label; never in a forced label.",
      machine_heuristic: 'Heuristic of the main verdict.',
      force_classification: "The forced label, which counts instead of the machine's. Null when not forced.",
      personal_commitment:
        'SHA-256 (hex) of the salt and the personal values of the revision, which are in personal_values.',
      payload_commitment:
        'SHA-256 (hex) of the same salt and the payload as received. Null for a disappearance, which has no payload.',
    },
  )
}

async function createPersonalValues(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.personal_values')
    .addColumn('classification_id', 'bigint', (c) => c.notNull())
    .addColumn('revision_no', 'integer', (c) => c.notNull())
    .addColumn('salt', 'text', (c) => c.notNull())
    .addColumn('name', 'text')
    .addColumn('ref_id', 'text')
    .addColumn('result_url', 'text')
    .addColumn('source', 'text')
    .addColumn('content_digest', 'text', (c) => c.notNull())
    .addColumn('digest_version', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('personal_values_pkey', ['classification_id', 'revision_no'])
    .addForeignKeyConstraint(
      'personal_values_revision_fkey',
      ['classification_id', 'revision_no'],
      'identifai.classification_revisions',
      ['classification_id', 'revision_no'],
    )
    .addCheckConstraint(
      'personal_values_are_sha256',
      sql`salt ~ '^[0-9a-f]{64}$' and content_digest ~ '^[0-9a-f]{64}$'`,
    )
    .execute()
  await refuseUpdates(db, 'personal_values')
  await commentOnTable(
    db,
    'identifai.personal_values',
    'The personal values of each revision. The revision has only a salted digest of them, so that they can be removed (redact) and the proofs stay.',
    {
      classification_id: 'identifiers.id of the identifier.',
      revision_no: 'The revision (classification_revisions.revision_no).',
      salt: '32 random bytes (hex). Without it, a guess of the values cannot be compared with their digest.',
      name: 'Name of the audio file.',
      ref_id: "The submitter's own label.",
      result_url: 'Link to the result at that time. It is not part of the content.',
      source: 'identifiers.source at that time.',
      content_digest: 'SHA-256 (hex) of the canonical content. Equal contents have equal digests.',
      digest_version:
        'Version of the definition of canonical content. Only digests of one version are comparable.',
    },
  )
}

async function createPayloads(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.revision_payloads')
    .addColumn('classification_id', 'bigint', (c) => c.notNull())
    .addColumn('revision_no', 'integer', (c) => c.notNull())
    .addColumn('payload', 'json', (c) => c.notNull())
    .addPrimaryKeyConstraint('revision_payloads_pkey', ['classification_id', 'revision_no'])
    .addForeignKeyConstraint(
      'revision_payloads_revision_fkey',
      ['classification_id', 'revision_no'],
      'identifai.classification_revisions',
      ['classification_id', 'revision_no'],
    )
    .execute()
  await compressWithLz4(db)
  await refuseUpdates(db, 'revision_payloads')
  await commentOnTable(
    db,
    'identifai.revision_payloads',
    'The record behind each revision, as received. It can be removed by age (prune) and with the personal values of an identifier (redact).',
    {
      classification_id: 'identifiers.id of the identifier.',
      revision_no: 'The revision (classification_revisions.revision_no).',
      payload:
        'The record, byte for byte as the API returned it. Read it as text: json operators fail on a record with \\u0000.',
    },
  )
}

/** lz4 takes less time than the default, but not every server has it. */
async function compressWithLz4(db: Kysely<unknown>): Promise<void> {
  await sql`
    do $$ begin
      alter table identifai.revision_payloads alter column payload set compression lz4;
    exception when feature_not_supported or invalid_parameter_value then null;
    end $$`.execute(db)
}

async function createQuarantine(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.quarantined_payloads')
    .addColumn('quarantine_id', 'bigint', (c) => c.generatedAlwaysAsIdentity())
    .addColumn('media', 'text', (c) => c.notNull())
    .addColumn('identifier', 'text', (c) => c.notNull())
    .addColumn('run_id', 'uuid', (c) => c.notNull())
    .addColumn('requested_at', 'timestamptz', (c) => c.notNull())
    .addColumn('received_at', 'timestamptz', (c) => c.notNull())
    .addColumn('quarantined_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('issues', 'jsonb', (c) => c.notNull())
    .addColumn('payload', 'text')
    .addColumn('resolved_at', 'timestamptz')
    .addPrimaryKeyConstraint('quarantined_payloads_pkey', ['quarantine_id'])
    .addCheckConstraint('quarantined_payloads_reason_known', sql`reason in ('invalid_payload', 'unstorable')`)
    .execute()
  await db.schema
    .createIndex('quarantined_payloads_open_idx')
    .on('identifai.quarantined_payloads')
    .columns(['media', 'identifier'])
    .where(sql.ref('resolved_at'), 'is', null)
    .execute()
  await commentOnTable(
    db,
    'identifai.quarantined_payloads',
    'Records that could not be loaded, kept as evidence: one row each time an identifier is quarantined.',
    {
      quarantine_id: 'Key.',
      media: 'Medium.',
      identifier: 'The identifier of the record.',
      run_id: 'The run that received it.',
      requested_at: 'Database clock before the request that returned it was sent.',
      received_at: 'Database clock after it was received.',
      quarantined_at:
        'Time at which it was quarantined: with the first write after the circuit breaker accepted the response.',
      reason: 'invalid_payload (does not fit the contract) or unstorable (PostgreSQL cannot store it).',
      issues: 'Defects: a list of {path, message}, path being a JSON Pointer into the record.',
      payload: 'The record as received, as JSON text.',
      resolved_at: 'Time at which the identifier was finished after all. Null until then.',
    },
  )
}

async function createDrift(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.schema_drift')
    .addColumn('media', 'text', (c) => c.notNull())
    .addColumn('path', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('first_seen_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('last_seen_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('occurrences', 'bigint', (c) => c.notNull().defaultTo(1))
    .addColumn('sample', 'text')
    .addColumn('sample_of', 'bigint')
    .addPrimaryKeyConstraint('schema_drift_pkey', ['media', 'path', 'kind'])
    .addCheckConstraint(
      'schema_drift_kind_known',
      sql`kind in ('unknown_field', 'unknown_value', 'moved_field')`,
    )
    .execute()
  await commentOnTable(
    db,
    'identifai.schema_drift',
    'Fields and values that are not in the contract. Nothing is lost, but the contract needs a review.',
    {
      media: 'Medium.',
      path: 'JSON Pointer of the field, with * for list positions.',
      kind: 'unknown_field, unknown_value (of a label or of errors) or moved_field (clips in another place than documented).',
      first_seen_at: 'Time of the first occurrence.',
      last_seen_at: 'Time of the last occurrence in changed content.',
      occurrences: 'Number of changed contents with an occurrence.',
      sample: 'One value as JSON, shortened. Null when its identifier was redacted.',
      sample_of: 'identifiers.id of the identifier with this value.',
    },
  )
}

async function createNotes(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.override_notes')
    .addColumn('note_id', 'bigint', (c) => c.generatedAlwaysAsIdentity())
    // The default lets an INSERT name nothing but the note.
    .addColumn('media', 'text', (c) => c.notNull().defaultTo('audio'))
    .addColumn('file_hash', 'text', (c) => c.notNull())
    .addColumn('forced_to', 'text', (c) => c.notNull())
    .addColumn('author', 'text', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('ticket', 'text')
    .addColumn('reviewer', 'text')
    .addColumn('corrects', 'bigint')
    .addColumn('noted_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addPrimaryKeyConstraint('override_notes_pkey', ['note_id'])
    // A correction is about the same file and label.
    .addUniqueConstraint('override_notes_subject_key', ['note_id', 'media', 'file_hash', 'forced_to'])
    .addForeignKeyConstraint(
      'override_notes_corrects_fkey',
      ['corrects', 'media', 'file_hash', 'forced_to'],
      'identifai.override_notes',
      ['note_id', 'media', 'file_hash', 'forced_to'],
    )
    .addForeignKeyConstraint('override_notes_media_fkey', ['media'], 'identifai.media', ['media'])
    .addCheckConstraint('override_notes_forced_to_known', sql`forced_to in ('human', 'artificial', 'none')`)
    .addCheckConstraint(
      'override_notes_texts_not_blank',
      sql`file_hash ~ '\\S' and author ~ '\\S' and reason ~ '\\S'`,
    )
    .execute()
  await db.schema
    .createIndex('override_notes_file_hash_idx')
    .on('identifai.override_notes')
    .columns(['media', 'file_hash'])
    .execute()
  await db.schema
    .createIndex('override_notes_corrects_idx')
    .on('identifai.override_notes')
    .column('corrects')
    .where(sql.ref('corrects'), 'is not', null)
    .execute()
  await makeAppendOnly(db, 'override_notes')
  await commentOnTable(
    db,
    'identifai.override_notes',
    'Append-only notes of the organization itself: who overrode the machine, and why. The API returns neither.',
    {
      note_id: 'Key, in the order of insertion.',
      media: 'Medium (media.media).',
      file_hash: 'SHA-256 of the audio file that was overridden.',
      forced_to: 'The forced label: human or artificial; none when a force was removed.',
      author: 'Person who decided.',
      reason: 'Reason for the decision.',
      ticket: 'Reference to a case or ticket. Null when not given.',
      reviewer: 'Person who reviewed the decision. Null when not given.',
      corrects:
        'The note (note_id) that this one corrects, which both stay. A correction of a correction refers to the first note. The latest correction counts. Null for a first note.',
      noted_at: 'Database clock when the note was written.',
    },
  )
}

async function createActions(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.actions')
    .addColumn('action_id', 'bigint', (c) => c.generatedAlwaysAsIdentity())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('identifiers', 'integer', (c) => c.notNull())
    .addColumn('classification_id', 'bigint')
    .addColumn('author', 'text')
    .addColumn('reason', 'text')
    .addColumn('database_role', 'text', (c) => c.notNull().defaultTo(sql`session_user`))
    .addColumn('acted_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addPrimaryKeyConstraint('actions_pkey', ['action_id'])
    .addCheckConstraint('actions_kind_known', sql`kind in ('retire', 'track_again', 'redact', 'prune')`)
    .execute()
  // Verification looks up whether missing personal values were redacted.
  await sql`create index actions_redacted_idx on identifai.actions (classification_id) where kind = 'redact'`.execute(
    db,
  )
  await makeAppendOnly(db, 'actions')
  await commentOnTable(
    db,
    'identifai.actions',
    'Append-only: each time that tracking was ended or begun again, or data was removed. The next run seals it.',
    {
      action_id: 'Key, in the order of insertion.',
      kind: 'retire (tracking ended) or track_again (tracking of retired identifiers began again). Or redact (personal values and payloads of one identifier were removed) or prune (payloads were removed by age).',
      identifiers: 'Number of identifiers that it concerned.',
      classification_id: 'identifiers.id of the identifier that was redacted. Null for the other kinds.',
      author: 'Person who decided, as given. Null when not given.',
      reason: 'Reason, as given. Null when not given.',
      database_role: 'Database role of the session.',
      acted_at: 'Database clock when the action was written.',
    },
  )
}
