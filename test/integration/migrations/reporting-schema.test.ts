import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeRun, newRun, openRun } from '../../../src/pipeline/run/run-rows.ts'
import { addNote } from '../../support/add-note.ts'
import { createTestDatabase } from '../../support/test-database.ts'
import { createTestApp, type TestApp } from '../../support/test-app.ts'

const CLASSIFICATION =
  'classification_id identifier ref_id name file_hash result_url status errors api_version machine_classification machine_confidence machine_heuristic force_classification is_forced effective_classification verdict_source contradicts_machine clip_count judged_clip_count artificial_clip_count artificial_clip_share model_count first_observed_at first_done_at finished_at verdict_changed_at last_confirmed_at state media submitted_at source submitted_day'

const RESULT =
  'result_no model abstained elapsed_time human_score artificial_score top_label top_score media submitted_at source changed_at'

/** The public contract: every view with its columns, to which later versions only append. Not derived from the migrations. */
const VIEWS: Readonly<Record<string, string>> = {
  tracked_identifiers:
    'classification_id identifier state enqueued_at waiting_seconds finished_at has_result errors last_requested_at last_confirmed_at due_at last_error retired_at retired_reason media submitted_at source',
  classifications: `${CLASSIFICATION} changed_at`,
  verdicts:
    'classification_id identifier heuristic is_main classification confidence agrees_with_main agrees_with_force media submitted_at source changed_at',
  verdict_models:
    'classification_id identifier heuristic scope clip_no model_no model media submitted_at source changed_at',
  file_model_results: `classification_id identifier ${RESULT}`,
  clip_model_results: `classification_id identifier clip_no clip_key ${RESULT}`,
  clips:
    'classification_id identifier clip_no clip_key clip_index clip_start clip_end classification confidence disagrees_with_machine disagrees_with_effective media submitted_at source changed_at',
  artificial_spans:
    'classification_id identifier span_start span_end clip_count max_confidence media submitted_at source changed_at',
  classification_history:
    'classification_id identifier revision_no valid_from valid_to is_current status is_reanalyzing effective_classification machine_classification machine_confidence machine_heuristic force_classification file_hash ref_id name first_seen status_changed forced force_changed unforced already_forced heuristic_switched verdict_changed models_changed scores_changed api_version_changed details_changed hash_changed errors_changed metadata_changed extra_changed disappeared reappeared media submitted_at source changed_at',
  force_events:
    'classification_id identifier revision_no event forced_from forced_to not_before not_after machine_classification_before machine_confidence_before machine_heuristic_before machine_classification_after machine_confidence_after machine_heuristic_after force_origin decision_key file_hash ref_id name result_url run_id media submitted_at source',
  force_decisions:
    'decision_key file_hash forced_from forced_to not_before not_after identifiers explained_by corrections explanation author reason ticket reviewer noted_at media',
  forced_classifications: `${CLASSIFICATION} not_before not_after decision_key notes author reason ticket reviewer noted_at same_file_identifiers`,
  override_notes:
    'note_id file_hash forced_to decision_key author reason ticket reviewer noted_at corrects is_current media',
  files:
    'media file_hash submissions finished forced first_submitted_at last_submitted_at effective_classification labels_differ machine_labels_differ',
  model_agreement: 'media model other_model n agree agree_share mean_difference mean_absolute_difference',
  heuristic_agreement: 'media heuristic other_heuristic n n_single_model agree flips overrides_avoided',
  model_daily:
    'media model day n n_day_unknown n_abstained n_scored abstained_share mean_artificial_score p50_elapsed_time p95_elapsed_time',
  review_worklist:
    'classification_id identifier rank reasons reason_codes effective_classification verdict_source machine_classification machine_confidence file_hash ref_id name result_url media submitted_at source',
  sync_freshness:
    'last_success_at last_run_at last_run_status confirmed_since tracked pending done errored missing quarantined retired due_now overdue',
  data_dictionary:
    'view_name view_description grain column_no column_name data_type description joins_to null_means',
}

const SIMPLE_TYPES = [
  'text',
  'boolean',
  'integer',
  'bigint',
  'double precision',
  'date',
  'timestamp with time zone',
]

describe('the reporting schema', () => {
  let bench: TestApp
  beforeAll(async () => {
    bench = await createTestApp({ world: { seed: 5 } })
  })
  afterAll(() => bench[Symbol.asyncDispose]())

  const read = async <Row>(text: string) => (await sql.raw<Row>(text).execute(bench.app.db)).rows

  it('has exactly the views and columns of the contract, of simple types only', async () => {
    const rows = await read<{ table_name: string; column_name: string; data_type: string }>(`
      select table_name, column_name, data_type from information_schema.columns
      where table_schema = 'identifai_reporting' order by table_name, ordinal_position`)
    const views = Map.groupBy(rows, (row) => row.table_name)
    expect(
      Object.fromEntries(
        [...views].map(([view, columns]) => [view, columns.map((row) => row.column_name).join(' ')]),
      ),
    ).toEqual(VIEWS)
    expect(rows.filter(({ data_type }) => !SIMPLE_TYPES.includes(data_type))).toEqual([])
    const tables = await read(
      `select from pg_class where relnamespace = 'identifai_reporting'::regnamespace and relkind <> 'v'`,
    )
    expect(tables).toEqual([])
  })

  it('describes every column in data_dictionary: its meaning, the grain of the view, joins, and the meaning of null', async () => {
    const rows = await read<Record<string, string | null>>(
      'select * from identifai_reporting.data_dictionary order by view_name, column_no',
    )
    const described = Map.groupBy(rows, (row) => row.view_name ?? '')
    expect(
      Object.fromEntries(
        [...described].map(([view, columns]) => [view, columns.map((row) => row.column_name).join(' ')]),
      ),
    ).toEqual(VIEWS)
    for (const row of rows) {
      expect(row.view_description).toMatch(/^\S.*[.]$/)
      expect(row.grain).toMatch(/^[a-z][a-z ,]+$/)
      expect(row.description).toMatch(/^\S.*[.;]$/)
      expect(row.description).not.toMatch(/Null:|Joins:/)
    }
  })

  it('has only existing columns in joins_to', async () => {
    const rows = await read<{ joins_to: string }>(
      'select distinct joins_to from identifai_reporting.data_dictionary where joins_to is not null',
    )
    expect(rows.length).toBeGreaterThan(3)
    expect(rows.filter(({ joins_to }) => joins_to.endsWith('.'))).toEqual([])
    const targets = rows.flatMap(({ joins_to }) => joins_to.match(/\w+\.\w+/g) ?? [])
    for (const target of targets) {
      const [view, column] = target.split('.') as [string, string]
      expect(VIEWS[view]?.split(' '), target).toContain(column)
    }
  })

  it('documents null for every column that can be null', async () => {
    const { world } = bench.simulator
    const identifiers = world.register({ count: 80 })
    await bench.enqueue([...identifiers, 'unknown to the API'])
    world.override(world.hashOf(identifiers[3] as string) as string, 'human')
    await bench.run()
    world.override(world.hashOf(identifiers[11] as string) as string, 'human')
    world.reanalyze(identifiers[5] as string, 3)
    await bench.run({ refreshAll: true })
    await addNote(bench.app.db, world.hashOf(identifiers[11] as string) as string)
    const rows = await read<{ view_name: string; column_name: string }>(
      `select view_name, column_name from identifai_reporting.data_dictionary where null_means is null`,
    )
    const broken = []
    for (const [view, columns] of Map.groupBy(rows, (row) => row.view_name)) {
      const counts = columns.map(
        ({ column_name: column }) => `count(*) filter (where ${column} is null) as ${column}`,
      )
      const [nulls = {}] = await read<Record<string, number>>(
        `select count(*) as rows, ${counts.join(', ')} from identifai_reporting.${view}`,
      )
      expect(nulls.rows, view).toBeGreaterThan(0)
      broken.push(
        ...Object.entries(nulls)
          .filter(([column, n]) => column !== 'rows' && n > 0)
          .map(([column]) => `${view}.${column}`),
      )
    }
    expect(broken).toEqual([])
  })

  it('shows the state of each identifier in tracked_identifiers, and the freshness in sync_freshness', async () => {
    await using other = await createTestApp({
      world: { seed: 6 },
      environment: { SYNC_MISSING_AFTER: '1' },
    })
    const { db } = other.app
    const query = async <Row>(text: string) => (await sql.raw<Row>(text).execute(db)).rows
    const [empty] = await query('select * from identifai_reporting.sync_freshness')
    expect(empty).toMatchObject({
      last_success_at: null,
      last_run_at: null,
      confirmed_since: null,
      tracked: 0,
      due_now: 0,
    })
    const { world } = other.simulator
    const done = world.register({ count: 6, outcome: 'done' })
    await other.enqueue([
      ...done,
      ...world.register({ count: 1, identifiers: ['e'], outcome: 'errored' }),
      'm',
      'q',
    ])
    await other.run()
    await sql`update identifai.identifiers set state = 'quarantined', due_at = null where identifier = 'q'`.execute(
      db,
    )
    await sql`update identifai.identifiers set state = 'retired', due_at = null, retired_at = now(), retired_reason = 'test',
      last_confirmed_at = last_confirmed_at - interval '1 day' where identifier = ${done[0]}`.execute(db)
    await sql`insert into identifai.identifiers (identifier, enqueued_at, due_at)
      values ('new', now() - interval '2 days', now() - interval '25 hours'), ('later', now(), now() - interval '23 hours')`.execute(
      db,
    )
    const [fresh] = await query<Record<string, unknown>>('select * from identifai_reporting.sync_freshness')
    expect(fresh).toMatchObject({
      last_run_status: 'succeeded',
      tracked: 11,
      pending: 2,
      done: 5,
      errored: 1,
      missing: 1,
      quarantined: 1,
      retired: 1,
      due_now: 2,
      overdue: 1,
    })
    expect(fresh?.last_success_at).toEqual(fresh?.last_run_at)
    await closeAsFailed(db)
    const [failed] = await query<Record<string, unknown>>('select * from identifai_reporting.sync_freshness')
    expect(failed).toMatchObject({ last_run_status: 'failed', last_success_at: fresh?.last_success_at })
    const [oldest] = await query<{ t: Date }>(
      `select min(last_confirmed_at) as t from identifai.identifiers where state in ('done', 'errored')`,
    )
    expect(fresh?.confirmed_since).toEqual(oldest?.t)
    await sql`insert into identifai.identifiers (identifier, state, due_at, retired_at, retired_reason)
      values ('never', 'retired', null, now(), 'no result')`.execute(db)
    const waiting = await query(`
      select identifier, state, waiting_seconds >= 0 as waits, waiting_seconds / 86400 as days, retired_reason,
        has_result, errors is not null as failed, last_requested_at is not null as requested,
        last_confirmed_at is not null as confirmed
      from identifai_reporting.tracked_identifiers where identifier in ('new', 'm', 'q', 'e', 'never', '${done[0]}')
      order by state, retired_reason desc, identifier`)
    const never = {
      retired_reason: null,
      has_result: false,
      failed: false,
      requested: false,
      confirmed: false,
    }
    const absent = { ...never, requested: true, waits: true, days: 0 }
    const confirmed = { ...never, requested: true, confirmed: true, waits: null, days: null }
    expect(waiting).toEqual([
      { ...confirmed, identifier: 'e', state: 'errored', failed: true },
      { ...absent, identifier: 'm', state: 'missing' },
      { ...never, identifier: 'new', state: 'pending', waits: true, days: 2 },
      { ...absent, identifier: 'q', state: 'quarantined' },
      { ...confirmed, identifier: done[0], state: 'retired', retired_reason: 'test', has_result: true },
      {
        ...never,
        identifier: 'never',
        state: 'retired',
        waits: null,
        days: null,
        retired_reason: 'no result',
      },
    ])
  })
})

/** Records a failed run after all others. */
async function closeAsFailed(db: TestApp['app']['db']): Promise<void> {
  const run = newRun('manual')
  await openRun(db, run)
  await closeRun(db, run.runId, { status: 'failed', error: 'test' })
}

it('waiting_seconds ends with the first result, and is never negative', async () => {
  await using bench = await createTestApp({ world: { seed: 6 } })
  const { db } = bench.app
  await bench.load({ count: 1, outcome: 'done' })
  await sql`update identifai.identifiers set state = 'missing'`.execute(db)
  await sql`insert into identifai.identifiers (identifier, enqueued_at) values ('ahead', now() + interval '1 year')`.execute(
    db,
  )
  const { rows } =
    await sql`select waiting_seconds from identifai_reporting.tracked_identifiers order by classification_id`.execute(
      db,
    )
  expect(rows).toEqual([{ waiting_seconds: null }, { waiting_seconds: 0 }])
})

it('no row can have a time that tools of analysts cannot read', async () => {
  await using database = await createTestDatabase()
  for (const [column, time] of [
    ['enqueued_at', '-infinity'],
    ['enqueued_at', 'infinity'],
    ['submitted_at', 'infinity'],
    ['submitted_at', '0044-03-15 BC'],
    ['submitted_at', '1969-12-31T23:59:59Z'],
    ['submitted_at', '20260-01-01'],
    ['submitted_at', '2100-01-01Z'],
  ] as const) {
    await expect(
      sql`insert into identifai.identifiers (identifier, ${sql.ref(column)}) values ('x', ${time})`.execute(
        database.db,
      ),
      time,
    ).rejects.toMatchObject({ code: '23514' })
  }
})

it('the views never show a half-written classification during a run, and never wait for the run', async () => {
  await using bench = await createTestApp({ world: { seed: 7 }, environment: { SYNC_BATCH_SIZE: '10' } })
  const { db } = bench.app
  const { world } = bench.simulator
  const identifiers = world.register({ count: 200, outcome: 'done' })
  await bench.enqueue(identifiers)
  const over = new AbortController()
  const done = { reads: 0 }
  const reading = (async () => {
    while (!over.signal.aborted) {
      const { rows } = await sql<{ halves: number }>`
        select count(*) as halves from identifai_reporting.classifications as c
        where c.status = 'done' and (
          c.machine_classification is distinct from (
            select v.classification from identifai_reporting.verdicts as v
            where v.classification_id = c.classification_id and v.is_main)
          or c.model_count <> (select count(distinct m.model) from identifai_reporting.file_model_results as m
            where m.classification_id = c.classification_id)
          or c.clip_count <> (select count(*) from identifai_reporting.clips as k
            where k.classification_id = c.classification_id)
          or (c.machine_heuristic, 1) not in (select h.machine_heuristic, count(*) over ()
            from identifai_reporting.classification_history as h
            where h.classification_id = c.classification_id and h.valid_to is null))`.execute(db)
      expect(rows).toEqual([{ halves: 0 }])
      done.reads++
    }
  })()
  await bench.run()
  for (let run = 0; run < 2 || done.reads <= 3; run++) {
    world.defaultHeuristic = run % 2 === 0 ? 'TopRelevant' : 'Majority'
    await bench.run({ refreshAll: true })
  }
  over.abort()
  await reading
})
