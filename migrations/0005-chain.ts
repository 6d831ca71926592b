import { type Kysely, sql } from 'kysely'
import { makeAppendOnly } from './0004-history.ts'
import { commentOnTable } from './with-comments.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createLeaves(db)
  // Sealing reads the revisions of one run in the order of their leaves.
  await db.schema
    .createIndex('classification_revisions_run_id_idx')
    .on('identifai.classification_revisions')
    .columns(['run_id', 'classification_id', 'revision_no'])
    .execute()
  await lockChainForNotes(db)
  await stampNotes(db)
  await refuseSealedRunChanges(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop trigger sync_runs_no_truncate on identifai.sync_runs`.execute(db)
  await sql`drop trigger sync_runs_sealed on identifai.sync_runs`.execute(db)
  await sql`drop function identifai.refuse_sealed_run_change()`.execute(db)
  await sql`drop trigger override_notes_stamp on identifai.override_notes`.execute(db)
  await sql`drop function identifai.stamp_note()`.execute(db)
  await sql`drop trigger override_notes_wait_for_chain on identifai.override_notes`.execute(db)
  await sql`drop function identifai.lock_chain()`.execute(db)
  await sql`drop index identifai.classification_revisions_run_id_idx`.execute(db)
  await db.schema.dropTable('identifai.chain_leaves').execute()
}

async function createLeaves(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.chain_leaves')
    .addColumn('chain_position', 'integer', (c) => c.notNull())
    .addColumn('leaf_no', 'integer', (c) => c.notNull())
    .addColumn('classification_id', 'bigint')
    .addColumn('revision_no', 'integer')
    .addColumn('note_id', 'bigint')
    .addColumn('leaf_hash', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('chain_leaves_pkey', ['chain_position', 'leaf_no'])
    .addCheckConstraint(
      'chain_leaves_is_revision_or_note',
      sql`(classification_id is null) = (revision_no is null) and (classification_id is null) <> (note_id is null)`,
    )
    .addCheckConstraint('chain_leaves_hash_is_sha256', sql`leaf_hash ~ '^[0-9a-f]{64}$'`)
    .execute()
  await makeAppendOnly(db, 'chain_leaves')
  await commentOnTable(
    db,
    'identifai.chain_leaves',
    'Append-only: the leaves of the Merkle tree of each sealed run. With them, verification can name a row that was changed.',
    {
      chain_position: 'The run (sync_runs.chain_position) of the tree.',
      leaf_no: 'Position of the leaf in the tree, from 0: revisions by key, then notes.',
      classification_id: 'The revision that the leaf represents. Null for a note.',
      revision_no: 'The revision that the leaf represents. Null for a note.',
      note_id: 'The note that the leaf represents. Null for a revision.',
      leaf_hash:
        'SHA-256 (hex) of a zero byte and the RFC 8785 JSON of the row without its nulls, as RFC 9162 defines it.',
    },
  )
}

/** Sets the time of a note from the clock: neither from the insert nor from the start of its transaction. */
async function stampNotes(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function identifai.stamp_note() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
    begin
      new.noted_at := clock_timestamp();
      return new;
    end $$`.execute(db)
  await sql`comment on function identifai.stamp_note() is 'Trigger: sets the time of a note from the clock.'`.execute(
    db,
  )
  await sql`
    create trigger override_notes_stamp before insert on identifai.override_notes
    for each row execute function identifai.stamp_note()`.execute(db)
}

/** Makes statements that write notes and the sealing of a run wait for each other, so that a run has a definite set of notes. */
async function lockChainForNotes(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function identifai.lock_chain() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
    begin
      perform pg_advisory_xact_lock(hashtextextended('identifai chain', 0));
      return null;
    end $$`.execute(db)
  await sql`comment on function identifai.lock_chain() is 'Trigger: waits while a run is being sealed.'`.execute(
    db,
  )
  await sql`
    create trigger override_notes_wait_for_chain before insert on identifai.override_notes
    for each statement execute function identifai.lock_chain()`.execute(db)
}

async function refuseSealedRunChanges(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function identifai.refuse_sealed_run_change() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
    begin
      raise exception '% of a sealed run is refused: the hash chain covers it', tg_op
        using errcode = 'restrict_violation';
    end $$`.execute(db)
  await sql`comment on function identifai.refuse_sealed_run_change() is 'Trigger: refuses changes of sealed runs.'`.execute(
    db,
  )
  await sql`
    create trigger sync_runs_sealed before update or delete on identifai.sync_runs
    for each row when (old.chain_position is not null) execute function identifai.refuse_sealed_run_change()`.execute(
    db,
  )
  await sql`
    create trigger sync_runs_no_truncate before truncate on identifai.sync_runs
    for each statement execute function identifai.refuse_history_change()`.execute(db)
}
