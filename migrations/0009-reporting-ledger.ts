import { type Kysely, sql } from 'kysely'
import { createView, dropView } from './with-comments.ts'
import { IDENTIFICATION, SUBMISSION } from './reporting-columns.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createSchema('identifai_reporting').execute()
  await sql`comment on schema identifai_reporting is 'identifai-sync: the views that people query. Begin with classifications; data_dictionary describes every column.'`.execute(
    db,
  )
  // By when it was submitted people look for most things, and by its day they count them.
  await db.schema
    .createIndex('identifiers_submitted_idx')
    .on('identifai.identifiers')
    .column('submitted_at')
    .where(sql.ref('submitted_at'), 'is not', null)
    .execute()
  await createTrackedIdentifiers(db)
  await createSyncFreshness(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropView(db, 'sync_freshness')
  await dropView(db, 'tracked_identifiers')
  await sql`drop index identifai.identifiers_submitted_idx`.execute(db)
  await db.schema.dropSchema('identifai_reporting').execute()
}

async function createTrackedIdentifiers(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'tracked_identifiers', {
    about:
      'Everything that we were asked to track, whatever became of it: what is not in classifications is found here. What has no result, and why: where not has_result, by coalesce(errors, last_error, retired_reason).',
    grain: 'identifier in any state',
    columns: {
      ...IDENTIFICATION,
      state: {
        is: 'pending (no final answer yet), done, errored, missing (the API does not return it), quarantined (its answer does not fit the contract) or retired (no longer asked for).',
      },
      enqueued_at: { is: 'When we were asked to track it.' },
      waiting_seconds: {
        is: 'Seconds since then, as long as it has never had a final answer (done or errored).',
        null: 'it waits for nothing: it has had a final answer, or was retired',
      },
      finished_at: {
        is: 'When it first had a final answer, done or errored. When it was first done is classifications.first_done_at.',
        null: 'never yet',
      },
      has_result: {
        is: 'Whether classifications has a result of it (status done), whatever became of the identifier since.',
      },
      errors: {
        is: 'What went wrong with the analysis, according to its last answer.',
        null: 'it did not fail, or was never answered',
      },
      last_requested_at: { is: 'When it was last asked for and the API answered.', null: 'never yet' },
      last_confirmed_at: {
        is: 'When the last request left whose answer had it, in order: what the views show of it was so then.',
        null: 'never yet',
      },
      due_at: { is: 'When it is to be asked for next.', null: 'not again' },
      last_error: {
        is: 'What went wrong when it was last asked for: with the asking, not with the analysis.',
        null: 'nothing did',
      },
      retired_at: { is: 'When its tracking ended.', null: 'it is tracked' },
      retired_reason: { is: 'Why its tracking ended.', null: 'it is tracked' },
      ...SUBMISSION,
    },
    query: `
      select
        i.id, i.identifier, i.state, i.enqueued_at,
        case when i.finished_at is null and i.state <> 'retired'
          then greatest(0, floor(extract(epoch from now() - i.enqueued_at)))::bigint end,
        i.finished_at, coalesce(r.status = 'done', false), c.errors, i.last_requested_at, i.last_confirmed_at, i.due_at, i.last_error, i.retired_at, i.retired_reason,
        i.media, i.submitted_at, i.source
      from identifai.identifiers as i
      left join identifai.classifications as c on c.classification_id = i.id
      left join identifai.classification_revisions as r
        on r.classification_id = c.classification_id and r.revision_no = c.revision_no`,
  })
}

async function createSyncFreshness(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'sync_freshness', {
    about: 'How fresh all of this is, at this moment: put it beside every dashboard.',
    grain: 'database',
    columns: {
      last_success_at: {
        is: 'When the last pass ended that had no failure.',
        null: 'there was none yet',
      },
      last_run_at: { is: 'When the last pass ended, well or not.', null: 'none has ended yet' },
      last_run_status: {
        is: 'How it ended: succeeded, partial, failed or interrupted.',
        null: 'none has ended yet',
      },
      confirmed_since: {
        is: 'The oldest last_confirmed_at among identifiers that are done or errored: each of these was asked for at this time or later. What has gone missing or was retired may be older.',
        null: 'nothing is done or errored',
      },
      tracked: { is: 'Identifiers in any state, the retired ones included.' },
      pending: { is: 'Identifiers without a final answer.' },
      done: {
        is: 'Identifiers whose last answer is a result. Those that have gone missing, were set aside or retired since keep theirs in classifications, but are not counted here.',
      },
      errored: { is: 'Identifiers whose analysis failed.' },
      missing: { is: 'Identifiers that the API does not return.' },
      quarantined: { is: 'Identifiers whose answer does not fit the contract: somebody has to look.' },
      retired: { is: 'Identifiers that are no longer asked for.' },
      due_now: { is: 'Identifiers that are to be asked for now.' },
      overdue: { is: 'Those of them that should have been asked for more than 24 hours ago.' },
    },
    query: `
      select
        (select max(finished_at) from identifai.sync_runs where status = 'succeeded'),
        last_run.finished_at, last_run.status, ledger.*
      from (
        select
          min(last_confirmed_at) filter (where state in ('done', 'errored')),
          count(*),
          count(*) filter (where state = 'pending'),
          count(*) filter (where state = 'done'),
          count(*) filter (where state = 'errored'),
          count(*) filter (where state = 'missing'),
          count(*) filter (where state = 'quarantined'),
          count(*) filter (where state = 'retired'),
          count(*) filter (where due_at <= now()),
          count(*) filter (where due_at <= now() - interval '24 hours')
        from identifai.identifiers
      ) as ledger
      left join (
        select finished_at, status from identifai.sync_runs
        where chain_position is not null order by chain_position desc limit 1
      ) as last_run on true`,
  })
}
