import { readdirSync, readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schemaMarkdown } from '../../../scripts/schema-markdown.ts'
import { supersetFiles } from '../../../scripts/superset-files.ts'
import { DATA_TABLES } from '../../support/data-tables.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

/** The public contract: every table of the data model with its columns. It is written here, not derived from the descriptors. */
const TABLES: Readonly<Record<string, string>> = {
  media: 'media',
  identifiers:
    'id media identifier submitted_at source state priority due_at attempts absences request_limit withheld_at lease_until leased_by claim_no refresh_requested_at last_error record_digest enqueued_at last_requested_at last_confirmed_at finished_at retired_at retired_reason redacted_at changed_at',
  sync_runs:
    'run_id trigger status started_at heartbeat_at finished_at host pid version error requests retries throttled claimed returned done pending errored not_returned quarantined released changed unchanged force_changes tracked_count pending_count done_count errored_count missing_count quarantined_count retired_count confirmed_since unfinished_since reanalyzing_count retired_reasons unsealed_runs forced_now first_http_date last_http_date chain_position chain_nodes chain_head chain_signature merkle_root leaf_count notes_through actions_through',
  classifications:
    'classification_id media identifier file_hash api_version status errors name ref_id result_url force_classification revision_no observed_at run_id clips_path extra unstorable clip_count judged_clip_count artificial_clip_count model_count other_heuristic_count disagreeing_heuristic_count',
  clips:
    'classification_id clip_no clip_index clip_start clip_end heuristic confidence classification models',
  verdicts: 'classification_id verdict_no kind heuristic confidence classification models is_repeated',
  model_results:
    'classification_id result_no clip_no model unknown elapsed_time classification_details human_score artificial_score other_scores top_label',
  classification_revisions:
    'classification_id revision_no observed_at previous_confirmed_at run_id causes media identifier submitted_at file_hash status api_version machine_classification machine_confidence machine_heuristic force_classification personal_commitment payload_commitment',
  personal_values:
    'classification_id revision_no salt name ref_id result_url source content_digest digest_version',
  revision_payloads: 'classification_id revision_no payload',
  quarantined_payloads:
    'quarantine_id media identifier run_id requested_at received_at quarantined_at reason issues payload resolved_at',
  schema_drift: 'media path kind first_seen_at last_seen_at occurrences sample sample_of',
  api_quota: 'key_fingerprint next_slot_at paused_until throttled_at slowdown last_accepted_at',
  change_clock: 'is_only_row changed_at',
  webhook_position:
    'is_only_row chain_position classification_id revision_no quarantine_id leased_by lease_until failing_since last_error',
  api_size_limits: 'api_url max_url_bytes learned_at',
  override_notes: 'note_id media file_hash forced_to author reason ticket reviewer corrects noted_at',
  actions: 'action_id kind identifiers classification_id author reason database_role acted_at',
  chain_leaves: 'chain_position leaf_no classification_id revision_no note_id action_id leaf_hash',
  chain_timestamps: 'chain_position authority token received_at',
  verifications: 'started_at finished_at runs chain_head classifications findings first_findings',
}

describe('the schema', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(() => database[Symbol.asyncDispose]())

  it('has exactly the tables and columns of the data model', async () => {
    const { rows } = await sql<{ table_name: string; columns: string }>`
      select table_name, string_agg(column_name, ' ' order by ordinal_position) as columns
      from information_schema.columns where table_schema = 'identifai' and table_name not like 'schema_migrations%'
      group by table_name`.execute(database.db)
    expect(Object.fromEntries(rows.map((row) => [row.table_name, row.columns]))).toEqual(TABLES)
  })

  it('keeps free space in the pages of the queue, and has it vacuumed early', async () => {
    const { rows } =
      await sql`select reloptions from pg_class where oid = 'identifai.identifiers'::regclass`.execute(
        database.db,
      )
    expect(rows).toEqual([{ reloptions: ['fillfactor=85', 'autovacuum_vacuum_scale_factor=0.05'] }])
  })

  it('pins the search path of every function, or has parsed its body, so that no role can replace what it calls', async () => {
    const { rows } = await sql<{ functions: number; unpinned: string[] | null }>`
      select count(*) as functions, array_agg(p.oid::regprocedure::text) filter (
        where p.prosqlbody is null and not coalesce('search_path=pg_catalog, pg_temp' = any(p.proconfig), false)) as unpinned
      from pg_proc as p
      where p.pronamespace in ('identifai'::regnamespace, 'identifai_reporting'::regnamespace) and p.prokind = 'f'`.execute(
      database.db,
    )
    expect(rows[0]?.functions).toBeGreaterThan(5)
    expect(rows[0]?.unpinned).toBeNull()
  })

  it('has a comment on itself, every table, every column and every function', async () => {
    const { rows } = await sql<{ uncommented: string }>`
      select c.relname as uncommented from pg_class c
      where c.relnamespace = 'identifai'::regnamespace and c.relkind in ('r', 'v') and obj_description(c.oid) is null
      union all
      select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'identifai'::regnamespace and c.relkind in ('r', 'v') and a.attnum > 0
        and not a.attisdropped and col_description(c.oid, a.attnum) is null
      union all
      select p.proname from pg_proc p
      where p.pronamespace = 'identifai'::regnamespace and obj_description(p.oid) is null
      union all
      select 'schema' where obj_description('identifai'::regnamespace) is null`.execute(database.db)
    expect(rows.map((row) => row.uncommented)).toEqual([])
  })

  it('is described in docs/schema.md (npm run docs:schema)', async () => {
    const file = new URL('../../../docs/schema.md', import.meta.url)
    expect(readFileSync(file, 'utf8')).toBe(await schemaMarkdown(database.db))
  })

  it('is the schema of the dashboard in bi/superset (npm run bi:superset)', async () => {
    const folder = new URL('../../../bi/superset/', import.meta.url)
    const made = await supersetFiles(database.db)
    const there = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    expect(there).toHaveLength(made.size)
    for (const [file, content] of made) expect(readFileSync(new URL(file, folder), 'utf8')).toBe(content)
  })

  it('can be distributed: data tables lead their key with classification_id, and every key contains it', async () => {
    const { rows } = await sql<{
      table: string
      name: string
      type: string
      columns: string[]
      target: string | null
    }>`
      select t.relname as table, con.conname as name, con.contype as type,
        array(select attname::text from unnest(con.conkey) with ordinality as k (attnum, n)
              join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum order by n) as columns,
        target.relname as target
      from pg_constraint con join pg_class t on t.oid = con.conrelid left join pg_class target on target.oid = con.confrelid
      where t.relnamespace = 'identifai'::regnamespace and con.contype in ('p', 'u', 'f')`.execute(
      database.db,
    )
    const ofData = rows.filter((row) => DATA_TABLES.includes(row.table))
    for (const { type, columns, target } of ofData) {
      if (type === 'p') expect(columns[0]).toBe('classification_id')
      expect(columns).toContain('classification_id')
      if (type === 'f') expect(DATA_TABLES).toContain(target)
    }
    expect(
      ofData
        .filter((row) => row.type === 'p')
        .map((row) => row.table)
        .toSorted(),
    ).toEqual(DATA_TABLES.toSorted())
    expect(ofData.filter((row) => row.table === 'classification_revisions' && row.type === 'f')).toEqual([])
  })

  it.each([
    ['update identifai.classification_revisions set file_hash = file_hash', 'history is append-only'],
    ['delete from identifai.classification_revisions', 'history is append-only'],
    ['truncate identifai.classification_revisions cascade', 'history is append-only'],
    ["update identifai.revision_payloads set payload = '{}'", 'history is append-only'],
    ['truncate identifai.revision_payloads', 'history is append-only'],
    ['update identifai.personal_values set name = name', 'history is append-only'],
    ['truncate identifai.personal_values', 'history is append-only'],
    ['update identifai.actions set reason = reason', 'history is append-only'],
    ['delete from identifai.actions', 'history is append-only'],
    ['truncate identifai.actions', 'history is append-only'],
    ['update identifai.override_notes set reason = reason', 'history is append-only'],
    ['delete from identifai.override_notes', 'history is append-only'],
    ['truncate identifai.override_notes', 'history is append-only'],
    ['update identifai.verifications set findings = 0', 'history is append-only'],
    ['delete from identifai.verifications', 'history is append-only'],
    ['delete from identifai.identifiers', 'a tracked identifier stays on record'],
    ['truncate identifai.identifiers', 'a tracked identifier stays on record'],
  ])('refuses: %s', async (statement, reason) => {
    await expect(sql.raw(statement).execute(database.db)).rejects.toThrow(reason)
  })

  it.each([
    ["insert into identifai.identifiers (identifier) values ('')", 'identifiers_identifier_is_trimmed'],
    [
      "insert into identifai.identifiers (identifier) values (E' \\t\\n')",
      'identifiers_identifier_is_trimmed',
    ],
    [
      "insert into identifai.identifiers (identifier) values (repeat('é', 513))",
      'identifiers_identifier_at_most_1024_bytes',
    ],
    ["insert into identifai.identifiers (identifier, state) values ('x', 'lost')", 'identifiers_state_known'],
    [
      "insert into identifai.identifiers (identifier, request_limit) values ('x', 0)",
      'identifiers_request_limit_from_1',
    ],
    [
      "insert into identifai.identifiers (identifier, state, due_at) values ('x', 'retired', null)",
      'identifiers_retired_has_time_and_reason',
    ],
    [
      "insert into identifai.identifiers (identifier, state, retired_at, retired_reason) values ('x', 'retired', now(), 'r')",
      'identifiers_retired_is_not_due',
    ],
    [
      "insert into identifai.identifiers (identifier, redacted_at) values ('x', now())",
      'identifiers_redacted_is_retired',
    ],
    [
      "insert into identifai.identifiers (identifier, lease_until) values ('x', now())",
      'identifiers_lease_has_both_parts',
    ],
    ["insert into identifai.identifiers (identifier, media) values ('x', 'smell')", 'identifiers_media_fkey'],
    [
      `with first as (
        insert into identifai.override_notes (file_hash, forced_to, author, reason) values ('h', 'human', 'a', 'r')
        returning note_id)
      insert into identifai.override_notes (file_hash, forced_to, author, reason, corrects)
      select 'another', 'human', 'a', 'r', note_id from first`,
      'override_notes_corrects_fkey',
    ],
    [
      "insert into identifai.override_notes (media, file_hash, forced_to, author, reason) values ('smell', 'h', 'human', 'a', 'r')",
      'override_notes_media_fkey',
    ],
    [
      "insert into identifai.override_notes (file_hash, forced_to, author, reason) values ('h', 'robot', 'a', 'r')",
      'override_notes_forced_to_known',
    ],
    ...["'x', repeat('0', 64)", "repeat('0', 64), 'x'"].map((commitments) => [
      `insert into identifai.classification_revisions (classification_id, revision_no, observed_at, run_id, causes, media,
        identifier, status, personal_commitment, payload_commitment)
      values (1, 1, now(), gen_random_uuid(), '{first_seen}', 'audio', 'x', 'done', ${commitments})`,
      'classification_revisions_commitments_are_sha256',
    ]),
    ...["' ', 'a', 'r'", "'h', E'\\n', 'r'", "'h', 'a', ''"].map((texts) => [
      `insert into identifai.override_notes (forced_to, file_hash, author, reason) values ('human', ${texts})`,
      'override_notes_texts_not_blank',
    ]),
  ])('refuses bad rows: %s', async (statement, constraint) => {
    await expect(sql.raw(statement).execute(database.db)).rejects.toMatchObject({ constraint })
  })
})

it('the database sets the time of an action, and its role', async () => {
  await using database = await createTestDatabase()
  const { rows } = await sql`
    with action as (
      insert into identifai.actions (kind, identifiers, database_role, acted_at) values ('prune', 1, 'another', '2020-01-01')
      returning database_role, acted_at)
    select database_role = session_user as has_role, acted_at > now() - interval '1 hour' as has_time from action`.execute(
    database.db,
  )
  expect(rows).toEqual([{ has_role: true, has_time: true }])
})

describe('tracking by SQL', () => {
  it('takes one insert, which can be repeated, and request_refresh makes it due', async () => {
    await using database = await createTestDatabase()
    const insert = sql`insert into identifai.identifiers (identifier) values ('a') on conflict do nothing`
    await insert.execute(database.db)
    await insert.execute(database.db)
    const row = () =>
      database.db
        .selectFrom('identifai.identifiers')
        .select(['media', 'state', 'priority', sql<boolean>`due_at <= now()`.as('due')])
        .execute()
    expect(await row()).toEqual([{ media: 'audio', state: 'pending', priority: 0, due: true }])
    const refresh = async (identifier: string) =>
      (
        await sql<{
          requested: boolean
        }>`select identifai.request_refresh(${identifier}) as requested`.execute(database.db)
      ).rows[0]
    await sql`update identifai.identifiers set state = 'missing', due_at = now() + interval '30 days'`.execute(
      database.db,
    )
    expect(await refresh('a')).toEqual({ requested: true })
    expect(await row()).toEqual([{ media: 'audio', state: 'missing', priority: 10, due: true }])
    await sql`update identifai.identifiers set priority = 20`.execute(database.db)
    await refresh('a')
    expect(await row()).toMatchObject([{ priority: 20 }])
    expect(await refresh('unknown')).toEqual({ requested: false })
    await sql`update identifai.identifiers set state = 'quarantined', due_at = null`.execute(database.db)
    expect(await refresh('a')).toEqual({ requested: false })
  })

  it('takes a second medium after one insert into media, beside the first', async () => {
    await using database = await createTestDatabase()
    const { db } = database
    await sql`insert into identifai.media (media) values ('image')`.execute(db)
    await sql`insert into identifai.identifiers (identifier, media) values ('a', 'image'), ('a', default)`.execute(
      db,
    )
    const { rows } = await sql`select identifai.request_refresh('a', 'image') as image,
      (select array_agg(media order by media) from identifai.identifiers where identifier = 'a') as media`.execute(
      db,
    )
    expect(rows).toEqual([{ image: true, media: ['audio', 'image'] }])
    await expect(sql`delete from identifai.media`.execute(db)).rejects.toMatchObject({
      constraint: 'identifiers_media_fkey',
    })
  })
})
