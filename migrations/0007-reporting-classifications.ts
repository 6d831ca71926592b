import { type Kysely, sql } from 'kysely'
import { createView, dropViews } from './with-comments.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createSchema('identifai_reporting').execute()
  await sql`comment on schema identifai_reporting is 'identifai-sync: views for analysts. Begin with classifications; data_dictionary describes every column.'`.execute(
    db,
  )
  // Most searches are by the time of submission, and most counts by its day.
  await db.schema
    .createIndex('identifiers_submitted_idx')
    .on('identifai.identifiers')
    .column('submitted_at')
    .where(sql.ref('submitted_at'), 'is not', null)
    .execute()
  await createClassifications(db)
  await createTrackedIdentifiers(db)
  await createSyncFreshness(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropViews(db, 'sync_freshness', 'tracked_identifiers', 'classifications')
  await sql`drop index identifai.identifiers_submitted_idx`.execute(db)
  await db.schema.dropSchema('identifai_reporting').execute()
}

/** The first columns of most views. */
export const IDENTIFICATION = {
  classification_id:
    'Number of the classification and of its identifier. Joins: classifications.classification_id.',
  identifier: 'Names one submission, as identifAI returned it. It is not the file hash.',
} as const

/** The last columns of each view that has an identifier. */
export const SUBMISSION = {
  media: 'Medium, for example audio.',
  submitted_at: 'Time at which the audio was submitted, as given when it was tracked. Null: not given.',
  source: 'Origin of the audio (channel, system), as given when it was tracked. Null: not given.',
} as const

/** The last column of each view whose rows change only with their classification. */
export const CHANGED = {
  changed_at:
    'Time of the last change of the rows of this classification in these views. It grows in the order of commits. To update a copy, replace the classifications that changed after the latest time in it. A change of last_confirmed_at alone does not count.',
} as const

/** The columns of `classifications`, which `forced_classifications` has, too. */
export const CLASSIFICATION = {
  classification_id: 'Number of the classification and of its identifier.',
  identifier: IDENTIFICATION.identifier,
  ref_id: "The submitter's own label; not unique. Null: not given.",
  name: 'Name of the audio file. Null: not given.',
  file_hash:
    'SHA-256 of the audio file. One file can be submitted many times, and an override applies to all its submissions. A file can also have many decisions: forced_classifications has the key of the current one. Null: not returned yet.',
  result_url: 'Link to the result on the dashboard. Null: not given.',
  status:
    'new (being analyzed), done or errored. While a finished one is analyzed again, the view shows its last result.',
  errors: 'Errors of the analysis. Null: no error.',
  api_version: 'API version at the time of the analysis. Null: not finished, or not returned.',
  machine_classification:
    "The machine's label, human or artificial as documented, whether forced or not. Use it to judge the machine, not to count. Null: the machine gave no verdict.",
  machine_confidence:
    "The machine's confidence in its own label, 0 to 1. It does not apply to a forced label. Null: the machine gave no verdict, or no confidence.",
  machine_heuristic:
    "The heuristic that combined the models for that label: the account's default at the time. Null: the machine gave no verdict, or no heuristic.",
  force_classification: 'The forced label. Null: not forced.',
  is_forced: 'True when a forced label counts. False while not finished.',
  effective_classification:
    "The label that counts: the forced one, otherwise the machine's. Count by this one. A forced label counts for a failed analysis, too. Null: the analysis is not finished, or there is neither a forced label nor a label of the machine.",
  verdict_source: 'Source of the label that counts: forced or machine. Null: no label counts.',
  contradicts_machine:
    "True when the forced label differs from the machine's. Null: not forced, not finished, or the machine gave no label.",
  clip_count: 'Clips (segments) of the file; 0 when there are none.',
  judged_clip_count: 'Clips with a label.',
  artificial_clip_count: 'Clips that the machine labels artificial.',
  artificial_clip_share:
    'artificial_clip_count / judged_clip_count, 0 to 1: clips without a label do not count. Null: no clip has a label.',
  model_count: 'Different models with a result on the whole file, including those that abstained.',
  first_observed_at: 'Time of the first response that had it, finished or not.',
  first_done_at:
    'Time of the first response that had it as done. The analysis ended before. Null: it was never done.',
  finished_at:
    'Time of the first response that had it as done or errored. It has a result for this long, or an error. Null: it was never finished.',
  verdict_changed_at:
    'Time at which effective_classification was last observed to change between two finished records, by a force or by the machine. Null: it never changed.',
  last_confirmed_at:
    'Time of the last request that returned a valid record. This row was correct then. Null: the row is from a replay only.',
  state:
    'State of the identifier: done, errored, missing, quarantined, retired, or pending before the first result. A result stays in this view when its identifier is missing or retired.',
  ...SUBMISSION,
  submitted_day:
    'Day of submitted_at in UTC, as in model_daily. Tools that compute days from submitted_at use their own time zone. Null: time not given.',
} as const

async function createClassifications(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'classifications', {
    comment:
      "The result of each submission. Count by effective_classification, because a forced label replaces the machine's. Null means that no label counts. The column machine_confidence is the confidence in the machine's label, never in a forced one. One row per identifier with a record.",
    columns: { ...CLASSIFICATION, ...CHANGED },
    // A column that a query does not select costs nothing, because the planner removes joins on a key. Most contents never
    // change, so that facts from later revisions are looked up only for those that did.
    query: `
      select
        c.classification_id, i.identifier, c.ref_id, c.name, c.file_hash, c.result_url,
        r.status, c.errors, c.api_version,
        r.machine_classification, r.machine_confidence, r.machine_heuristic,
        c.force_classification,
        c.force_classification is not null and r.status <> 'new',
        case when r.status <> 'new' then coalesce(c.force_classification, r.machine_classification) end,
        case when r.status = 'new' then null
          when c.force_classification is not null then 'forced'
          when r.machine_classification is not null then 'machine' end,
        case when r.status <> 'new' then c.force_classification <> r.machine_classification end,
        c.clip_count, c.judged_clip_count, c.artificial_clip_count,
        c.artificial_clip_count::double precision / nullif(c.judged_clip_count, 0), c.model_count,
        first.observed_at,
        case when c.revision_no = 1 then case when r.status = 'done' then r.observed_at end
          else (select min(d.observed_at) from identifai.classification_revisions as d
            where d.classification_id = c.classification_id and d.status = 'done') end,
        i.finished_at,
        case when c.revision_no > 1 then (
          select max(h.observed_at) from (
            select observed_at, coalesce(force_classification, machine_classification) as label,
              lag(coalesce(force_classification, machine_classification)) over (order by revision_no) as former,
              row_number() over (order by revision_no) as finished_no
            from identifai.classification_revisions
            where classification_id = c.classification_id and status <> 'new'
          ) as h
          where h.finished_no > 1 and h.label is distinct from h.former) end,
        i.last_confirmed_at, i.state, i.media, i.submitted_at, i.source,
        (i.submitted_at at time zone 'UTC')::date, i.changed_at
      from identifai.classifications as c
      left join identifai.identifiers as i on i.id = c.classification_id
      left join identifai.classification_revisions as r
        on r.classification_id = c.classification_id and r.revision_no = c.revision_no
      left join identifai.classification_revisions as first
        on first.classification_id = c.classification_id and first.revision_no = 1`,
  })
}

async function createTrackedIdentifiers(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'tracked_identifiers', {
    comment:
      'All tracked identifiers, including those that are not in classifications. To list those without a result and the reason, filter by not has_result and show coalesce(errors, last_error, retired_reason). One row per identifier in any state.',
    columns: {
      ...IDENTIFICATION,
      state:
        'pending (not finished yet), done, errored, missing (the API does not return it), quarantined (its record cannot be loaded) or retired (no longer requested).',
      enqueued_at: 'Time at which it was tracked.',
      waiting_seconds:
        'Seconds since enqueued_at, while it was never finished (done or errored). Null: it was finished before, or is retired.',
      finished_at:
        'Time at which it first became done or errored. The time at which it was first done is classifications.first_done_at. Null: not finished yet.',
      has_result:
        'True when its analysis gave a result (status done), also if its state is another one now. A failed analysis has no result, but can have a forced label that counts.',
      errors: 'Errors of the analysis, from its last record. Null: no error, or no record yet.',
      last_requested_at: 'Time of the last request that got a response. Null: not requested yet.',
      last_confirmed_at:
        'Time of the last request that returned a valid record. The views were correct for it then. Null: not confirmed yet.',
      due_at: 'Time of the next request. Null: no further request is due.',
      last_error: 'Error of the last request: an error of the request, not of the analysis. Null: no error.',
      retired_at: 'Time at which its tracking ended. Null: it is tracked.',
      retired_reason: 'Reason for which its tracking ended. Null: it is tracked.',
      ...SUBMISSION,
    },
    query: `
      select
        i.id, i.identifier, i.state, i.enqueued_at,
        case when i.finished_at is null and i.state <> 'retired'
          then greatest(0, floor(extract(epoch from now() - i.enqueued_at)))::bigint end,
        i.finished_at, coalesce(r.status = 'done', false), c.errors, i.last_requested_at, i.last_confirmed_at,
        i.due_at, i.last_error, i.retired_at, i.retired_reason, i.media, i.submitted_at, i.source
      from identifai.identifiers as i
      left join identifai.classifications as c on c.classification_id = i.id
      left join identifai.classification_revisions as r
        on r.classification_id = c.classification_id and r.revision_no = c.revision_no`,
  })
}

async function createSyncFreshness(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'sync_freshness', {
    comment: 'Freshness of all data at this moment. Show it on every dashboard. One row per database.',
    columns: {
      last_success_at:
        'End of the last successful run that requested everything due: nightly, manual or of the demo. A partial run counts. Null: none yet.',
      last_run_at: 'End of the last run, successful or not. Null: no run has ended yet.',
      last_run_status:
        'Status of that run: succeeded, partial, failed or interrupted. Null: no run has ended yet.',
      confirmed_since:
        'Oldest last_confirmed_at of done and errored identifiers. All of them were confirmed then or later. Missing and retired ones can be older. Null: nothing is done or errored.',
      tracked: 'Identifiers in any state, including retired ones.',
      pending: 'Identifiers that are not finished.',
      done: 'Identifiers whose last record is a result. Identifiers that are now missing, quarantined or retired keep their result in classifications, but are not counted here.',
      errored: 'Identifiers whose analysis failed.',
      missing: 'Identifiers that the API does not return.',
      quarantined: 'Identifiers whose record cannot be loaded. They need a review.',
      retired: 'Identifiers that are no longer requested.',
      due_now: 'Identifiers that are due for a request.',
      overdue: 'Identifiers that have been due for more than 24 hours.',
    },
    query: `
      select
        (select max(finished_at) from identifai.sync_runs
          where trigger in ('nightly', 'manual', 'demo') and status in ('succeeded', 'partial')),
        last_run.finished_at, last_run.status, counts.*
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
      ) as counts
      left join (
        select finished_at, status from identifai.sync_runs
        where chain_position is not null order by chain_position desc limit 1
      ) as last_run on true`,
  })
}
