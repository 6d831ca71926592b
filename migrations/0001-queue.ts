import { type Kysely, sql } from 'kysely'
import { commentOn } from './comment-on.ts'

const STATES = ['pending', 'done', 'errored', 'missing', 'quarantined', 'retired']

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`comment on schema identifai is 'identifai-sync: the ledger of tracked identifiers, what the API answered, and the history of it.'`.execute(
    db,
  )
  // Kysely makes its two bookkeeping tables before the first migration runs.
  await sql`comment on table identifai.schema_migrations is 'Bookkeeping: the migrations that this database has had.'`.execute(
    db,
  )
  await sql`comment on table identifai.schema_migrations_lock is 'Bookkeeping: lets one process migrate at a time.'`.execute(
    db,
  )
  await sql`comment on column identifai.schema_migrations.name is 'Name of the migration.'`.execute(db)
  await sql`comment on column identifai.schema_migrations.timestamp is 'When it was applied.'`.execute(db)
  await sql`comment on column identifai.schema_migrations_lock.id is 'Name of the lock.'`.execute(db)
  await sql`comment on column identifai.schema_migrations_lock.is_locked is 'Not used on PostgreSQL, which locks by itself.'`.execute(
    db,
  )
  await db.schema
    .createTable('identifai.identifiers')
    .addColumn('id', 'bigint', (c) => c.generatedAlwaysAsIdentity())
    .addColumn('media', 'text', (c) => c.notNull().defaultTo('audio'))
    .addColumn('identifier', 'text', (c) => c.notNull())
    .addColumn('submitted_at', 'timestamptz')
    .addColumn('source', 'text')
    .addColumn('state', 'text', (c) => c.notNull().defaultTo('pending'))
    .addColumn('priority', 'smallint', (c) => c.notNull().defaultTo(0))
    .addColumn('due_at', 'timestamptz', (c) => c.defaultTo(sql`now()`))
    .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('absences', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('request_limit', 'smallint')
    .addColumn('lease_until', 'timestamptz')
    .addColumn('leased_by', 'uuid')
    .addColumn('claim_no', 'integer', (c) => c.notNull().defaultTo(0))
    .addColumn('refresh_requested_at', 'timestamptz')
    .addColumn('last_error', 'text')
    .addColumn('record_digest', 'bytea')
    .addColumn('enqueued_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('last_requested_at', 'timestamptz')
    .addColumn('last_confirmed_at', 'timestamptz')
    .addColumn('finished_at', 'timestamptz')
    .addColumn('retired_at', 'timestamptz')
    .addColumn('retired_reason', 'text')
    .addPrimaryKeyConstraint('identifiers_pkey', ['id'])
    // The identifier first: people look for one without naming its medium.
    .addUniqueConstraint('identifiers_media_identifier_key', ['identifier', 'media'])
    .addCheckConstraint('identifiers_identifier_not_blank', sql`identifier ~ '\\S'`)
    .addCheckConstraint('identifiers_identifier_at_most_1024_bytes', sql`octet_length(identifier) <= 1024`)
    // A medium that no endpoint serves would never be asked for. The migration of a new one adds it.
    .addCheckConstraint('identifiers_media_known', sql`media in ('audio')`)
    .addCheckConstraint('identifiers_state_known', sql`state in (${sql.join(STATES.map((s) => sql.lit(s)))})`)
    // One row must not break the calendars of all who read it: many tools end at the year 9999, or begin at 1.
    .addCheckConstraint('identifiers_enqueued_at_finite', sql`isfinite(enqueued_at)`)
    .addCheckConstraint(
      'identifiers_submitted_at_from_1970_to_2099',
      sql`submitted_at >= '1970-01-01Z' and submitted_at < '2100-01-01Z'`,
    )
    .addCheckConstraint('identifiers_record_digest_is_sha256', sql`octet_length(record_digest) = 32`)
    .addCheckConstraint('identifiers_counters_not_negative', sql`attempts >= 0 and absences >= 0`)
    .addCheckConstraint('identifiers_request_limit_from_1', sql`request_limit >= 1`)
    .addCheckConstraint('identifiers_lease_has_both_parts', sql`(lease_until is null) = (leased_by is null)`)
    .addCheckConstraint('identifiers_retired_is_not_due', sql`due_at is null or state <> 'retired'`)
    .addCheckConstraint(
      'identifiers_retired_says_when_and_why',
      sql`(state = 'retired') = (retired_at is not null) and (retired_at is null) = (retired_reason is null)`,
    )
    .execute()

  // The claim walks this index one priority at a time, oldest due first. Kysely has no word for a
  // descending column in a partial index.
  await sql`create index identifiers_due_idx on identifai.identifiers (media, priority desc, due_at, id) where due_at is not null`.execute(
    db,
  )

  await commentOn(
    db,
    'identifai.identifiers',
    'The ledger: one row per identifier we were asked to track. Insert here to have one tracked: INSERT INTO identifai.identifiers (identifier) VALUES (...) ON CONFLICT DO NOTHING.',
    {
      id: 'Our key; classifications and their children carry it as classification_id.',
      media: 'Kind of medium; it names the endpoint that is asked.',
      identifier:
        'Names one submission, as the API returned it when the file was submitted. Not the file hash.',
      submitted_at: 'When the audio was submitted, as told by whoever inserted the row; null when not told.',
      source:
        'Where the audio came from (channel, system), as told by whoever inserted the row; null when not told.',
      state:
        'pending (no final answer yet), done, errored, missing (the API does not return it), quarantined (its answer does not fit the contract) or retired.',
      priority: 'Higher is asked first: 0 by default, -5 from a file, -10 for a sweep, 10 for woken ones.',
      due_at: 'When to ask next; null means not again.',
      attempts: 'Consecutive asks lost to failures; 0 after any answer.',
      absences: 'Consecutive answers that left this identifier out; 0 after any answer that has it.',
      request_limit:
        'At most so many identifiers go into the next request with this one: its asks were lost while others were answered, so one of its company may be the reason. Null means no limit.',
      lease_until: 'Until when the claim of leased_by holds; null when nobody is asking.',
      leased_by: 'The run (sync_runs.run_id) that is asking now.',
      claim_no:
        'How many times this row has been claimed; a write is valid only under the claim it was made for.',
      refresh_requested_at:
        'When somebody last wanted it asked again; later than the last request means still wanted.',
      last_error: 'What went wrong at the last ask; null when nothing did.',
      record_digest:
        "SHA-256 of the last answer's record, as received, and of the version that read it: the same again says nothing new. Null when the last answer was not a finished one.",
      enqueued_at: 'When the row was inserted.',
      last_requested_at: 'Database clock before the last request for it left that was answered.',
      last_confirmed_at:
        'Database clock before the request of the last answer that fitted the contract left.',
      finished_at: 'When it first became done or errored.',
      retired_at: 'When tracking ended; null while tracked.',
      retired_reason: 'Why tracking ended; null while tracked.',
    },
  )

  await sql`
    create function identifai.refuse_identifier_removal() returns trigger language plpgsql as $$
    begin
      raise exception '% on identifai.identifiers is refused: what was tracked stays accountable', tg_op
        using errcode = 'restrict_violation',
              hint = 'End the tracking of an identifier with: identifai-sync retire <identifier> --reason ...';
    end $$`.execute(db)
  await sql`comment on function identifai.refuse_identifier_removal() is 'Trigger: refuses to remove rows of the ledger.'`.execute(
    db,
  )
  await sql`
    create trigger identifiers_no_removal before delete or truncate on identifai.identifiers
    for each statement execute function identifai.refuse_identifier_removal()`.execute(db)

  await sql`
    create function identifai.request_refresh(identifier text, media text default 'audio') returns boolean
    language sql security definer set search_path = pg_catalog, pg_temp as $$
      with woken as (
        update identifai.identifiers as i
        set refresh_requested_at = clock_timestamp(), due_at = clock_timestamp(), priority = greatest(i.priority, 10)
        where i.media = request_refresh.media and i.identifier = request_refresh.identifier
          and i.state in ('pending', 'done', 'errored', 'missing')
        returning 1
      )
      select exists (select from woken)
    $$`.execute(db)
  await sql`revoke all on function identifai.request_refresh(text, text) from public`.execute(db)
  await sql`comment on function identifai.request_refresh(text, text) is 'Makes one identifier due now, a missing one too; false when it is not tracked, quarantined or retired.'`.execute(
    db,
  )
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop function identifai.request_refresh(text, text)`.execute(db)
  await db.schema.dropTable('identifai.identifiers').execute()
  await sql`drop function identifai.refuse_identifier_removal()`.execute(db)
  await sql`comment on schema identifai is null`.execute(db)
}
