import { type Kysely, sql } from 'kysely'
import { commentOnTable } from './with-comments.ts'

const STATES = ['pending', 'done', 'errored', 'missing', 'quarantined', 'retired']

export async function up(db: Kysely<unknown>): Promise<void> {
  await commentOnSchema(db)
  await createMedia(db)
  await createIdentifiers(db)
  await createChangeClock(db)
  await refuseRemoval(db)
  await createRequestRefresh(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop function identifai.request_refresh(text, text)`.execute(db)
  await sql`drop function identifai.next_change()`.execute(db)
  await db.schema.dropTable('identifai.change_clock').execute()
  await db.schema.dropTable('identifai.identifiers').execute()
  await sql`drop function identifai.refuse_identifier_removal()`.execute(db)
  await db.schema.dropTable('identifai.media').execute()
  await sql`comment on schema identifai is null`.execute(db)
}

async function commentOnSchema(db: Kysely<unknown>): Promise<void> {
  await sql`comment on schema identifai is 'identifai-sync: tracked identifiers, the records that the API returned, and their history.'`.execute(
    db,
  )
  // Kysely creates its two bookkeeping tables before the first migration runs.
  await commentOnTable(db, 'identifai.schema_migrations', 'Bookkeeping: migrations that were applied.', {
    name: 'Name of the migration.',
    timestamp: 'Time at which it was applied.',
  })
  await commentOnTable(
    db,
    'identifai.schema_migrations_lock',
    'Bookkeeping: lets one process migrate at a time.',
    { id: 'Name of the lock.', is_locked: 'Not used, because PostgreSQL has locks of its own.' },
  )
}

async function createMedia(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.media')
    .addColumn('media', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('media_pkey', ['media'])
    .execute()
  await commentOnTable(
    db,
    'identifai.media',
    'Media that can be tracked. The migration of each medium adds its row.',
    { media: 'Name of the medium, for example audio.' },
  )
  await sql`insert into identifai.media (media) values ('audio')`.execute(db)
}

async function createIdentifiers(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.identifiers')
    .addColumn('id', 'bigint', (c) => c.generatedAlwaysAsIdentity())
    // The default lets an INSERT name nothing but the identifier.
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
    .addColumn('withheld_at', 'timestamptz')
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
    .addColumn('redacted_at', 'timestamptz')
    .addColumn('changed_at', 'timestamptz')
    .addPrimaryKeyConstraint('identifiers_pkey', ['id'])
    // The identifier comes first, because people search for one without its medium.
    .addUniqueConstraint('identifiers_identifier_media_key', ['identifier', 'media'])
    // An identifier of a medium that no endpoint serves would never be requested.
    .addForeignKeyConstraint('identifiers_media_fkey', ['media'], 'identifai.media', ['media'])
    // As the commands read them. Otherwise no command could name such an identifier.
    .addCheckConstraint(
      'identifiers_identifier_is_trimmed',
      sql`identifier ~ '^\\S' and identifier ~ '\\S$' and identifier !~ '[[:cntrl:]]'`,
    )
    .addCheckConstraint('identifiers_identifier_at_most_1024_bytes', sql`octet_length(identifier) <= 1024`)
    .addCheckConstraint('identifiers_state_known', sql`state in (${sql.join(STATES.map((s) => sql.lit(s)))})`)
    // Many tools accept the years 1 to 9999 only, so one such row would break every query that returns it.
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
      'identifiers_retired_has_time_and_reason',
      sql`(state = 'retired') = (retired_at is not null) and (retired_at is null) = (retired_reason is null)`,
    )
    // A response would bring the removed values back.
    .addCheckConstraint('identifiers_redacted_is_retired', sql`redacted_at is null or state = 'retired'`)
    .execute()

  // Each request updates its rows twice. A lease changes no indexed column, so with free space in the page, it needs no index
  // entry: a refresh writes a third less WAL. Dead rows make the first claim of a minute slower. It takes 24 ms with 2 % of a
  // million rows dead, and 161 ms with 20 %, which is the default.
  await sql`alter table identifai.identifiers set (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05)`.execute(
    db,
  )

  // A claim walks this index one priority at a time, oldest due first. Kysely cannot express a descending column in a
  // partial index.
  await sql`create index identifiers_due_idx on identifai.identifiers (media, priority desc, due_at, id) where due_at is not null`.execute(
    db,
  )

  await commentOnTable(
    db,
    'identifai.identifiers',
    'Tracked identifiers and the queue: one row per identifier. To track one, insert it: INSERT INTO identifai.identifiers (identifier) VALUES (...) ON CONFLICT DO NOTHING.',
    {
      id: 'Key. Classifications and their child tables carry it as classification_id.',
      media: 'Medium (media.media); it determines the endpoint of the API.',
      identifier:
        'Names one submission, as the API returned it when the file was submitted. It is not the file hash.',
      submitted_at: 'Time at which the file was submitted, as inserted with the row. Null when not given.',
      source: 'Origin of the file (channel, system), as inserted with the row. Null when not given.',
      state:
        'pending (not finished yet), done, errored, missing (the API does not return it), quarantined (its record cannot be loaded) or retired.',
      priority:
        'Higher priorities are requested first. It is 10 for a refresh request, 0 by default, and -5 from a file. It is -7 when a same-file identifier has another forced label, and -10 for a refresh.',
      due_at: 'Time of the next request. Null when no further request is due.',
      attempts: 'Consecutive failed requests; 0 after any response.',
      absences: 'Consecutive responses without this identifier; 0 after a response that has it.',
      request_limit:
        'Maximum number of identifiers in the next request with this one. It is set when requests with it failed while others succeeded, because another identifier in them may be the cause. Null means no limit.',
      withheld_at:
        'Time at which the circuit breaker stopped a run before it was certain that the last outcome is about this identifier. It is requested after all others then. Null otherwise.',
      lease_until: 'Time at which the lease of leased_by expires. Null without a lease.',
      leased_by: 'The run (sync_runs.run_id) that holds the lease. Null without a lease.',
      claim_no:
        'Number of claims of this row so far. A write is valid only under the claim that it was made for.',
      refresh_requested_at:
        'Time of the last refresh request. The refresh is still due when this is later than the last request.',
      last_error: 'Error of the last request. Null without an error.',
      record_digest:
        'SHA-256 of the last record, as received, and of the version that read it. An equal digest means that nothing changed. Null when the last record was not a finished one.',
      enqueued_at: 'Time at which the row was inserted.',
      last_requested_at: 'Database clock before the last request that got a response was sent.',
      last_confirmed_at:
        'Database clock before the last request was sent that returned a record which fits the contract.',
      finished_at: 'Time at which it first became done or errored.',
      retired_at: 'Time at which tracking ended. Null while it is tracked.',
      retired_reason: 'Reason for which tracking ended. Null while it is tracked.',
      redacted_at:
        'Time at which its personal values and payloads were removed (redact). It stays retired from then on. Null otherwise.',
      changed_at:
        'Time of the last change of its rows in the reporting views, by next_change(). Null before its first record.',
    },
  )
}

/**
 * Incremental readers need times that grow in the order of commits. The clock at the start of a transaction does not, because
 * a later transaction can commit first. The lock on the only row lasts until the commit, so times and commits have one order.
 */
async function createChangeClock(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.change_clock')
    .addColumn('is_only_row', 'boolean', (c) => c.notNull().defaultTo(true))
    .addColumn('changed_at', 'timestamptz', (c) => c.notNull())
    .addPrimaryKeyConstraint('change_clock_pkey', ['is_only_row'])
    .addCheckConstraint('change_clock_has_one_row', sql`is_only_row`)
    .execute()
  await commentOnTable(
    db,
    'identifai.change_clock',
    'Gives each transaction that changes the reporting views a later time than all before it: one row.',
    { is_only_row: 'Always true.', changed_at: 'The latest time that a transaction got.' },
  )
  await sql`
    create function identifai.next_change() returns timestamptz language sql volatile
    begin atomic
      insert into identifai.change_clock as clock (changed_at) values (clock_timestamp())
      on conflict (is_only_row) do update
        set changed_at = greatest(excluded.changed_at, clock.changed_at + interval '1 microsecond')
      returning changed_at;
    end`.execute(db)
  await sql`comment on function identifai.next_change() is 'Time for identifiers.changed_at, later than all before it. Other transactions that need one wait until this one ends, so lock the rows of identifiers first.'`.execute(
    db,
  )
}

async function refuseRemoval(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function identifai.refuse_identifier_removal() returns trigger language plpgsql
    set search_path = pg_catalog, pg_temp as $$
    begin
      raise exception '% on identifai.identifiers is refused: a tracked identifier stays on record', tg_op
        using errcode = 'restrict_violation',
              hint = 'End the tracking of an identifier with: identifai-sync retire <identifier> --reason ...';
    end $$`.execute(db)
  await sql`comment on function identifai.refuse_identifier_removal() is 'Trigger: refuses the removal of tracked identifiers.'`.execute(
    db,
  )
  await sql`
    create trigger identifiers_no_removal before delete or truncate on identifai.identifiers
    for each statement execute function identifai.refuse_identifier_removal()`.execute(db)
}

async function createRequestRefresh(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function identifai.request_refresh(identifier text, media text default 'audio') returns boolean
    language sql security definer set search_path = pg_catalog, pg_temp as $$
      with requested as (
        update identifai.identifiers as i
        set refresh_requested_at = clock_timestamp(), due_at = clock_timestamp(), priority = greatest(i.priority, 10)
        where i.media = request_refresh.media and i.identifier = request_refresh.identifier
          and i.state in ('pending', 'done', 'errored', 'missing')
        returning 1
      )
      select exists (select from requested)
    $$`.execute(db)
  await sql`revoke all on function identifai.request_refresh(text, text) from public`.execute(db)
  await sql`comment on function identifai.request_refresh(text, text) is 'Makes one identifier due now, a missing one too. False when it is not tracked, quarantined or retired.'`.execute(
    db,
  )
}
