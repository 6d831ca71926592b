import { type Kysely, sql } from 'kysely'
import { IDENTIFICATION, SUBMISSION } from './0007-reporting-classifications.ts'
import { scoreOf } from './0008-reporting-results.ts'
import { createView, dropViews } from './with-comments.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Without a condition, because the planner has no statistics of days otherwise.
  await sql`create index identifiers_submitted_day_idx on identifai.identifiers
    (((submitted_at at time zone 'UTC')::date))`.execute(db)
  await sql`create index classification_revisions_first_day_idx on identifai.classification_revisions
    (((observed_at at time zone 'UTC')::date), revision_no)`.execute(db)
  await sql`create index identifiers_unsubmitted_idx on identifai.identifiers (id) include (media)
    where submitted_at is null`.execute(db)
  await createFiles(db)
  await createHeuristicAgreement(db)
  await createModelAgreement(db)
  await createModelDaily(db)
  await createReviewWorklist(db)
  await createDataDictionary(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropViews(db, 'data_dictionary', 'review_worklist', 'model_daily', 'model_agreement')
  await dropViews(db, 'heuristic_agreement', 'files')
  await sql`drop index identifai.identifiers_unsubmitted_idx`.execute(db)
  await sql`drop index identifai.classification_revisions_first_day_idx`.execute(db)
  await sql`drop index identifai.identifiers_submitted_day_idx`.execute(db)
}

async function createFiles(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'files', {
    comment:
      'The audio files. One file can be submitted many times, and each submission has its own result. Submissions of one file can differ while an override or a new analysis has not reached all of them. Classifications without a file hash are not included. One row per medium and file hash.',
    columns: {
      media: 'Medium, for example audio.',
      file_hash: 'SHA-256 of the file. Joins: classifications.file_hash.',
      submissions: 'Identifiers of the file with a record, in any state.',
      finished: 'Those of them that are done or errored.',
      forced: 'Those of them whose forced label counts.',
      first_submitted_at: 'Time of the first submission. Null: no submission has a time.',
      last_submitted_at: 'Time of the last submission. Null: no submission has a time.',
      effective_classification:
        'The label that counts for every finished submission that has one. Null: none has one, or the labels differ.',
      labels_differ: 'True when finished submissions have different labels that count.',
      machine_labels_differ: 'True when the machine gave finished submissions different labels.',
    },
    query: `
      with contents as not materialized (
        select c.classification_id, c.media, c.file_hash, r.status <> 'new' as is_finished, c.force_classification,
          case when r.status <> 'new' then coalesce(c.force_classification, r.machine_classification) end as label,
          case when r.status <> 'new' then r.machine_classification end as machine_label
        from identifai.classifications as c
        join identifai.classification_revisions as r
          on r.classification_id = c.classification_id and r.revision_no = c.revision_no
        where c.file_hash is not null
      )
      select c.media, c.file_hash, count(*), count(*) filter (where c.is_finished),
        count(c.force_classification) filter (where c.is_finished), min(i.submitted_at), max(i.submitted_at),
        case when min(c.label) = max(c.label) then min(c.label) end,
        coalesce(min(c.label) <> max(c.label), false),
        coalesce(min(c.machine_label) <> max(c.machine_label), false)
      from contents as c
      left join identifai.identifiers as i on i.id = c.classification_id
      group by c.media, c.file_hash`,
  })
}

async function createHeuristicAgreement(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'heuristic_agreement', {
    comment:
      'How often two heuristics give a file different labels: how many verdicts the other one would flip, and how many overrides it would have avoided. Covers all finished classifications that both of them judged. One row per medium and ordered pair of heuristics.',
    columns: {
      media: 'Medium, for example audio.',
      heuristic: 'One heuristic.',
      other_heuristic: 'The heuristic that it is compared with. The view has each pair in both orders.',
      n: 'Classifications that have a label from both.',
      n_single_model:
        'Classifications for which both used the same single model only, so that they always agree.',
      agree: 'Classifications with the same label from both.',
      flips: 'Classifications with different labels from the two.',
      overrides_avoided:
        'Classifications whose main verdict is by heuristic, and whose other label that was forced is that of other_heuristic. It is 0 if heuristic is never the main one.',
    },
    // There are few different sets of verdicts. Each set is compared within itself one time, and counts as often as it occurs.
    query: `
      with verdict_sets as (
        select row_number() over () as set_no, c.media, c.force_classification, v.heuristics, v.labels, v.are_main,
          v.only_models, count(*) as n
        from (
          select v.classification_id, array_agg(v.heuristic order by v.verdict_no) as heuristics,
            array_agg(v.classification order by v.verdict_no) as labels,
            array_agg(v.kind = 'main' order by v.verdict_no) as are_main,
            array_agg(case when cardinality(v.models) = 1 then v.models[1] end order by v.verdict_no) as only_models
          from identifai.verdicts as v
          where not v.is_repeated and v.heuristic is not null and v.classification is not null
          group by v.classification_id
        ) as v
        join identifai.classifications as c on c.classification_id = v.classification_id
        join identifai.classification_revisions as r
          on r.classification_id = c.classification_id and r.revision_no = c.revision_no
        where r.status <> 'new'
        group by c.media, c.force_classification, v.heuristics, v.labels, v.are_main, v.only_models
      ), judged as (
        select s.set_no, s.media, s.force_classification, s.n, v.*
        from verdict_sets as s
        cross join lateral unnest(s.heuristics, s.labels, s.are_main, s.only_models)
          as v (heuristic, label, is_main, only_model)
      )
      select one.media, one.heuristic, other.heuristic, sum(one.n)::bigint,
        coalesce(sum(one.n) filter (where one.only_model = other.only_model), 0)::bigint,
        coalesce(sum(one.n) filter (where one.label = other.label), 0)::bigint,
        coalesce(sum(one.n) filter (where one.label <> other.label), 0)::bigint,
        coalesce(sum(one.n) filter (where one.is_main and one.label <> one.force_classification
          and other.label = one.force_classification), 0)::bigint
      from judged as one
      join judged as other on other.set_no = one.set_no and other.heuristic <> one.heuristic
      group by one.media, one.heuristic, other.heuristic`,
  })
}

async function createModelAgreement(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'model_agreement', {
    comment:
      'How often two models give a file the same label, and how far their scores differ. Covers the files for which both gave a score for the label artificial. Results on clips are not included. One row per medium and ordered pair of models.',
    columns: {
      media: 'Medium, for example audio.',
      model: 'One model.',
      other_model: 'The model that it is compared with. The view has each pair in both orders.',
      n: 'Classifications with a score from both. A model with two results on one file counts with each.',
      agree: 'Those with the same label from both, which is the one with the highest score.',
      agree_share: 'agree / n, 0 to 1.',
      mean_difference:
        'Average of the score of model for the label artificial, minus that of other_model. Positive: model gives higher scores.',
      mean_absolute_difference: 'Average of the same differences without their signs.',
    },
    query: `
      with results as not materialized (
        select m.classification_id, m.model, m.top_label, ${scoreOf('artificial')} as score
        from identifai.model_results as m where m.clip_no is null
      ), pairs as materialized (
        select c.media, one.model, other.model as other_model, count(*) as n,
          count(*) filter (where one.top_label = other.top_label) as agree,
          avg(one.score - other.score) as difference, avg(abs(one.score - other.score)) as absolute_difference
        from results as one
        join results as other on other.classification_id = one.classification_id and one.model < other.model
        join identifai.classifications as c on c.classification_id = one.classification_id
        where one.score is not null and other.score is not null
        group by c.media, one.model, other.model
      )
      select media, model, other_model, n, agree, agree::double precision / n, difference, absolute_difference
      from pairs
      union all
      select media, other_model, model, n, agree, agree::double precision / n, - difference, absolute_difference
      from pairs`,
  })
}

async function createModelDaily(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'model_daily', {
    comment:
      'The results of each model on whole files, day by day. The average score leaves out models that abstained. Results on clips are not included. One row per medium, model and day.',
    columns: {
      media: 'Medium, for example audio.',
      model: 'Name of the model. Null: not returned.',
      day: 'Day (UTC) on which the audio was submitted; if not given, on which the API first returned it.',
      n: 'Results of the model on files of that day.',
      n_day_unknown:
        'Results on files whose time of submission was not given. They count on the day on which the API first returned the file, which can cause a peak.',
      n_abstained: 'Results in which the model abstained.',
      n_scored:
        'Results with a score for the label artificial. Over several days, weight the averages by it: sum(n_scored * mean_artificial_score) / sum(n_scored).',
      abstained_share:
        'Share of results in which the model abstained, 0 to 1. Over several days: sum(n_abstained) / sum(n).',
      mean_artificial_score:
        'Average score for the label artificial, without results that abstained. Over several days, weight it by n_scored. Null: no result has such a score.',
      p50_elapsed_time:
        'Median time that the model took; the API states no unit. You cannot combine the medians of several days. Null: not returned.',
      p95_elapsed_time: '95th percentile of the time that the model took. Null: not returned.',
    },
    // The array prevents the planner from reading the results of every day for a query about a few. It allows no other plan
    // than to look up the results of each file.
    query: `
      with days as not materialized (
        select i.id, i.media, (i.submitted_at at time zone 'UTC')::date as day, true as is_given
        from identifai.identifiers as i where i.submitted_at is not null
        union all
        select i.id, i.media, (r.observed_at at time zone 'UTC')::date, false as is_given
        from identifai.classification_revisions as r join identifai.identifiers as i on i.id = r.classification_id
        where r.revision_no = 1 and i.submitted_at is null
      )
      select d.media, m.model, d.day, count(*), count(*) filter (where not d.is_given), count(*) filter (where m.unknown),
        count(m.artificial_score), avg((m.unknown is true)::integer)::double precision,
        avg(m.artificial_score),
        (percentile_cont(array[0.5::double precision, 0.95::double precision]) within group (order by m.elapsed_time))[1],
        (percentile_cont(array[0.5::double precision, 0.95::double precision]) within group (order by m.elapsed_time))[2]
      from days as d
      join (
        select m.classification_id, m.model, m.unknown, m.elapsed_time, ${scoreOf('artificial')} as artificial_score
        from identifai.model_results as m where m.clip_no is null
      ) as m on m.classification_id = any(array[d.id])
      group by d.media, m.model, d.day`,
  })
}

async function createReviewWorklist(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'review_worklist', {
    comment:
      "Classifications that a person should review, with the reasons in words. Order by rank. A forced classification leaves the list when a note explains it; the machine's verdict is not a reason any more then. One row per classification with at least one reason.",
    columns: {
      ...IDENTIFICATION,
      rank: 'Urgency, of which 1 is the highest. Rank 1: forced without a note, against a machine confidence of 0.9 or more. Rank 2: forced without a note, or human with artificial clips. Rank 3: heuristics disagree, or the machine confidence is below 0.7. Rank 4: the analysis failed, or gave no verdict.',
      reasons:
        'The reasons, the most urgent first, separated by semicolons. A forced classification has only the reasons about its forced label and a failed analysis.',
      reason_codes:
        'The same reasons as codes for filters, separated by spaces: against_sure_machine, no_note, artificial_clips, heuristics_disagree, not_sure, failed, no_verdict.',
      effective_classification: 'The label that counts. Null: neither forced nor judged.',
      verdict_source: 'Source of that label: forced or machine. Null: no label counts.',
      machine_classification: "The machine's label. Null: the machine gave no verdict.",
      machine_confidence: "The machine's confidence in its own label, 0 to 1. Null: not returned.",
      file_hash: 'SHA-256 of the audio file. Null: not returned.',
      ref_id: "The submitter's own label. Null: not given.",
      name: 'Name of the audio file. Null: not given.',
      result_url: 'Link to the result on the dashboard. Null: not given.',
      ...SUBMISSION,
    },
    // Functions prevent the planner from repeating the expressions of a reason wherever it is used. It would plan hundreds of
    // expressions, and compile them where JIT is on.
    //
    // The part without rows has no effect on one server. It keeps a cluster from looking up each forced classification among
    // all identifiers, because it executes such a union first.
    query: `
      with forced as not materialized (
        select classification_id, notes from identifai_reporting.forced_classifications
        union all
        select null::bigint as classification_id, null::integer as notes where false
      )
      select
        c.classification_id, c.identifier,
        case when reason.against_sure is not null then 1
          when reason.without_note is not null or reason.artificial_clips is not null then 2
          when reason.heuristics is not null or reason.not_sure is not null then 3 else 4 end,
        concat_ws('; ', reason.against_sure, reason.without_note, reason.artificial_clips, reason.heuristics,
          reason.not_sure, reason.failed, reason.no_verdict),
        concat_ws(' ', case when reason.against_sure is not null then 'against_sure_machine' end,
          case when reason.without_note is not null then 'no_note' end,
          case when reason.artificial_clips is not null then 'artificial_clips' end,
          case when reason.heuristics is not null then 'heuristics_disagree' end,
          case when reason.not_sure is not null then 'not_sure' end,
          case when reason.failed is not null then 'failed' end,
          case when reason.no_verdict is not null then 'no_verdict' end),
        c.effective_classification, c.verdict_source, c.machine_classification, c.machine_confidence,
        c.file_hash, c.ref_id, c.name, c.result_url, c.media, c.submitted_at, c.source
      from identifai_reporting.classifications as c
      join identifai.classifications as counted on counted.classification_id = c.classification_id
      cross join lateral unnest(array[
        case when c.is_forced and (
            select f.notes from forced as f where f.classification_id = c.classification_id) = 0
          then c.force_classification end
      ]) as unexplained (label)
      cross join lateral unnest(
        array[case when unexplained.label is not null and c.contradicts_machine and c.machine_confidence >= 0.9 then
          format('forced to %s against %s with a machine confidence of %s', c.force_classification,
            c.machine_classification, round(c.machine_confidence::numeric, 2)) end],
        array['forced to ' || unexplained.label || ' without a note'],
        array[case when c.verdict_source = 'machine' and c.effective_classification = 'human'
            and c.artificial_clip_count > 0
          then format('counts as human, but %s of %s labeled clips are artificial',
            c.artificial_clip_count, c.judged_clip_count) end],
        array[case when not c.is_forced and counted.disagreeing_heuristic_count > 0
          then format('%s of %s other heuristics have another label',
            counted.disagreeing_heuristic_count, counted.other_heuristic_count) end],
        array[case when c.verdict_source = 'machine' and c.machine_confidence < 0.7
          then format('the machine confidence is %s', round(c.machine_confidence::numeric, 2)) end],
        array[case when c.status = 'errored' then 'the analysis failed' || coalesce(': ' || c.errors, '') end],
        array[case when c.status = 'done' and c.effective_classification is null then 'done, but without a verdict' end]
      ) as reason (against_sure, without_note, artificial_clips, heuristics, not_sure, failed, no_verdict)
      where c.status <> 'new' and coalesce(reason.against_sure, reason.without_note, reason.artificial_clips,
        reason.heuristics, reason.not_sure, reason.failed, reason.no_verdict) is not null`,
  })
}

async function createDataDictionary(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'data_dictionary', {
    comment:
      'The meaning of every column of these views, from the comments on them. Many tools show these comments, too. One row per column of a view of this schema.',
    columns: {
      view_name: 'The view.',
      view_description: 'Purpose of the view, and the mistake that it avoids.',
      grain: 'Meaning of one row of the view.',
      column_no: 'Position of the column in the view, from 1.',
      column_name: 'The column.',
      data_type: 'Its type in PostgreSQL.',
      description: 'Its meaning.',
      joins_to: 'Column of another view that it leads to. Null: it does not lead to another view.',
      null_means: 'Meaning of null in the column. Null: it is never null.',
    },
    // The comments are written by one hand (with-comments.ts), in one order.
    query: `
      select
        view.relname::text,
        regexp_replace(obj_description(view.oid, 'pg_class'), ' One row per [^.]*\\.$', ''),
        substring(obj_description(view.oid, 'pg_class') from ' One row per ([^.]*)\\.$'),
        a.attnum::integer, a.attname::text, format_type(a.atttypid, a.atttypmod),
        regexp_replace(col_description(view.oid, a.attnum), '( Joins: .*| Null: .*)$', ''),
        substring(col_description(view.oid, a.attnum) from ' Joins: (.*?)\\.( Null: .*)?$'),
        substring(col_description(view.oid, a.attnum) from ' Null: (.*)\\.$')
      from pg_catalog.pg_class as view
      join pg_catalog.pg_namespace as s on s.oid = view.relnamespace and s.nspname = 'identifai_reporting'
      join pg_catalog.pg_attribute as a on a.attrelid = view.oid and a.attnum > 0 and not a.attisdropped
      where view.relkind = 'v'`,
  })
}
