import { type Kysely, sql } from 'kysely'
import { makeAppendOnly } from './0004-history.ts'
import { commentOnTable } from './with-comments.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createLeaves(db)
  await createTimestamps(db)
  // Sealing reads the revisions of one run in the order of their leaves.
  await db.schema
    .createIndex('classification_revisions_run_id_idx')
    .on('identifai.classification_revisions')
    .columns(['run_id', 'classification_id', 'revision_no'])
    .execute()
  await lockChain(db)
  await stampRows(db)
  await refuseSealedRunChanges(db)
  await createVerifications(db)
  await createWebhookPosition(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('identifai.webhook_position').execute()
  await db.schema.dropTable('identifai.verifications').execute()
  await sql`drop trigger sync_runs_no_truncate on identifai.sync_runs`.execute(db)
  await sql`drop trigger sync_runs_sealed on identifai.sync_runs`.execute(db)
  await sql`drop function identifai.refuse_sealed_run_change()`.execute(db)
  await sql`drop trigger actions_stamp on identifai.actions`.execute(db)
  await sql`drop function identifai.stamp_action()`.execute(db)
  await sql`drop trigger override_notes_stamp on identifai.override_notes`.execute(db)
  await sql`drop function identifai.stamp_note()`.execute(db)
  await sql`drop trigger actions_wait_for_chain on identifai.actions`.execute(db)
  await sql`drop trigger override_notes_wait_for_chain on identifai.override_notes`.execute(db)
  await sql`drop function identifai.lock_chain()`.execute(db)
  await sql`drop index identifai.classification_revisions_run_id_idx`.execute(db)
  await db.schema.dropTable('identifai.chain_timestamps').execute()
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
    .addColumn('action_id', 'bigint')
    .addColumn('leaf_hash', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('chain_leaves_pkey', ['chain_position', 'leaf_no'])
    .addCheckConstraint(
      'chain_leaves_is_one_row',
      sql`(classification_id is null) = (revision_no is null)
        and num_nonnulls(revision_no, note_id, action_id) = 1`,
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
      leaf_no: 'Position of the leaf in the tree, from 0: revisions by key, then notes, then actions.',
      classification_id: 'The revision that the leaf represents. Null for another row.',
      revision_no: 'The revision that the leaf represents. Null for another row.',
      note_id: 'The note that the leaf represents. Null for another row.',
      action_id: 'The action that the leaf represents. Null for another row.',
      leaf_hash:
        'SHA-256 (hex) of a zero byte and the RFC 8785 JSON of the row without its nulls, as RFC 9162 defines it.',
    },
  )
}

async function createTimestamps(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.chain_timestamps')
    .addColumn('chain_position', 'integer', (c) => c.notNull())
    .addColumn('authority', 'text', (c) => c.notNull())
    .addColumn('token', 'bytea', (c) => c.notNull())
    .addColumn('received_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addPrimaryKeyConstraint('chain_timestamps_pkey', ['chain_position', 'authority'])
    .execute()
  await makeAppendOnly(db, 'chain_timestamps')
  await commentOnTable(
    db,
    'identifai.chain_timestamps',
    'Append-only: the timestamps (RFC 3161) of chain heads. A time-stamping authority proves by its signature that the head existed at a time.',
    {
      chain_position: 'The run (sync_runs.chain_position) of the head.',
      authority: 'URL of the authority, without user and password.',
      token:
        'The TimeStampResp of the authority, in DER as received. Its imprint is the SHA-256 of the checkpoint of the head.',
      received_at: 'Database clock after it was received. The time of the authority is in the token.',
    },
  )
}

/** Makes statements that write notes or actions, and the sealing of a run, wait for each other. So a run has a definite set of them. */
async function lockChain(db: Kysely<unknown>): Promise<void> {
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
  for (const table of ['override_notes', 'actions']) {
    await sql`
      create trigger ${sql.id(`${table}_wait_for_chain`)} before insert on identifai.${sql.id(table)}
      for each statement execute function identifai.lock_chain()`.execute(db)
  }
}

/** Sets the time from the clock, and not from the insert or the start of its transaction; and the role of an action. */
async function stampRows(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function identifai.stamp_note() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
    begin
      new.noted_at := clock_timestamp();
      if new.corrects is not null then
        new.corrects := coalesce(
          (select n.corrects from identifai.override_notes as n where n.note_id = new.corrects), new.corrects);
      end if;
      return new;
    end $$`.execute(db)
  await sql`comment on function identifai.stamp_note() is 'Trigger: sets the time of a note from the clock, and the first note that it corrects.'`.execute(
    db,
  )
  await sql`
    create trigger override_notes_stamp before insert on identifai.override_notes
    for each row execute function identifai.stamp_note()`.execute(db)
  await sql`
    create function identifai.stamp_action() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
    begin
      new.acted_at := clock_timestamp();
      new.database_role := session_user;
      return new;
    end $$`.execute(db)
  await sql`comment on function identifai.stamp_action() is 'Trigger: sets the time of an action from the clock, and its role from the session.'`.execute(
    db,
  )
  await sql`
    create trigger actions_stamp before insert on identifai.actions
    for each row execute function identifai.stamp_action()`.execute(db)
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

async function createVerifications(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.verifications')
    .addColumn('started_at', 'timestamptz', (c) => c.notNull())
    .addColumn('finished_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`clock_timestamp()`))
    .addColumn('runs', 'integer', (c) => c.notNull())
    .addColumn('chain_head', 'text')
    .addColumn('classifications', 'integer', (c) => c.notNull())
    .addColumn('findings', 'integer', (c) => c.notNull())
    .addColumn('first_findings', 'text')
    .addPrimaryKeyConstraint('verifications_pkey', ['started_at'])
    .execute()
  await makeAppendOnly(db, 'verifications')
  await commentOnTable(
    db,
    'identifai.verifications',
    'Append-only: the results of the verifications of the daemon, one row each. The chain does not cover them.',
    {
      started_at: 'Key: database clock when it started.',
      finished_at: 'Database clock when it ended.',
      runs: 'Sealed runs whose revisions and notes were verified.',
      chain_head: 'Chain head of the newest of them. Null when no run was sealed.',
      classifications: 'Classifications whose rows were compared with history.',
      findings: 'Number of findings. 0 when everything is as it was sealed.',
      first_findings: 'The first findings, one a line. Null without findings.',
    },
  )
}

async function createWebhookPosition(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.webhook_position')
    .addColumn('is_only_row', 'boolean', (c) => c.notNull().defaultTo(true))
    .addColumn('chain_position', 'integer', (c) => c.notNull())
    .addColumn('classification_id', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('revision_no', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('quarantine_id', 'bigint', (c) => c.notNull().defaultTo(0))
    .addColumn('leased_by', 'uuid')
    .addColumn('lease_until', 'timestamptz')
    .addColumn('failing_since', 'timestamptz')
    .addColumn('last_error', 'text')
    .addPrimaryKeyConstraint('webhook_position_pkey', ['is_only_row'])
    .addCheckConstraint('webhook_position_has_one_row', sql`is_only_row`)
    .execute()
  await commentOnTable(
    db,
    'identifai.webhook_position',
    'The last notification that the webhook accepted: one row. The next ones follow in the order of the chain.',
    {
      is_only_row: 'Always true.',
      chain_position: 'The sealed run that the last notification is about.',
      classification_id: 'The classification of the last force event of that run; 0 before the first.',
      revision_no: 'The revision of that event.',
      quarantine_id: 'The last quarantined record of that run; 0 before the first.',
      leased_by: 'The process that delivers now. Null when none does.',
      lease_until: 'Time at which another process can continue.',
      failing_since: 'Time of the first failure since the last delivery. Null without one.',
      last_error: 'Error of the last failure. Null without one.',
    },
  )
}
