import { type Kysely, sql } from 'kysely'
import { createView, dropView } from './with-comments.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Not partial: the planner has no statistics of days otherwise.
  await sql`create index identifiers_submitted_day_idx on identifai.identifiers
    (((submitted_at at time zone 'UTC')::date))`.execute(db)
  await sql`create index classification_revisions_first_day_idx on identifai.classification_revisions
    (((observed_at at time zone 'UTC')::date), revision_no)`.execute(db)
  await sql`create index identifiers_unsubmitted_idx on identifai.identifiers (id) include (media)
    where submitted_at is null`.execute(db)
  await createHeuristicAgreement(db)
  await createModelDaily(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropView(db, 'model_daily')
  await dropView(db, 'heuristic_agreement')
  await sql`drop index identifai.identifiers_unsubmitted_idx`.execute(db)
  await sql`drop index identifai.classification_revisions_first_day_idx`.execute(db)
  await sql`drop index identifai.identifiers_submitted_day_idx`.execute(db)
}

async function createHeuristicAgreement(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'heuristic_agreement', {
    about:
      'How often two heuristics judge a file differently: how many verdicts would flip under the other one, and how many overrides it would have made needless. Over all finished classifications that both of them judged.',
    grain: 'ordered pair of heuristics',
    columns: {
      media: { is: 'Kind of medium: audio.' },
      heuristic: { is: 'One heuristic.' },
      other_heuristic: { is: 'The heuristic that it is compared with. Each pair is there both ways.' },
      n: { is: 'Classifications that both gave a label.' },
      n_single_model: {
        is: 'Those of them where both name one model only, and the same, so that they are bound to agree.',
      },
      agree: { is: 'Those with the same label under both.' },
      flips: { is: 'Those with another label under the other one.' },
      overrides_avoided: {
        is: 'Flips where the first is the main verdict, the label was forced otherwise, and the other one gives the forced label.',
      },
    },
    // There are few different sets of verdicts: each is compared within itself once, and counts as often as it is there.
    query: `
      with verdict_sets as (
        select row_number() over () as set_no, c.media, c.force_classification, v.heuristics, v.labels, v.are_main,
          v.only_models, count(*) as n
        from (
          select v.classification_id, array_agg(v.heuristic order by v.verdict_no) as heuristics,
            array_agg(v.classification order by v.verdict_no) as labels,
            array_agg(v.kind = 'main' order by v.verdict_no) as are_main,
            array_agg(v.only_model order by v.verdict_no) as only_models
          from identifai.verdicts as v
          where v.clip_no is null and not v.is_repeated and v.heuristic is not null and v.classification is not null
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

async function createModelDaily(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'model_daily', {
    about:
      'What each model did, day by day, on whole files. Models that abstained stay out of the average score; results on clips stay out of all of it.',
    grain: 'model and day',
    columns: {
      media: { is: 'Kind of medium: audio.' },
      model: { is: 'Name of the model.', null: 'not told' },
      day: { is: 'Day (UTC) on which the audio was submitted; if nobody told, on which we first saw it.' },
      n: { is: 'Results of the model on files of that day.' },
      n_day_unknown: {
        is: 'Those of them whose audio nobody told the time of: they stand on the day on which we first saw it, which can look like a peak.',
      },
      n_abstained: { is: 'Those of them in which the model abstained.' },
      n_scored: {
        is: 'Those with a score for the label artificial. Over several days, weigh the averages by this: sum(n_scored * mean_artificial_score) / sum(n_scored).',
      },
      abstained_share: {
        is: 'Share of them in which the model abstained, 0 to 1. Over several days: sum(n_abstained) / sum(n).',
      },
      mean_artificial_score: {
        is: 'Average score for the label artificial, without those that abstained. Over several days, weigh it by n_scored.',
        null: 'no result has such a score',
      },
      p50_elapsed_time: {
        is: 'Median of how long the model took; the API states no unit. Medians of several days make no median of all.',
        null: 'not told',
      },
      p95_elapsed_time: { is: '95th percentile of how long the model took.', null: 'not told' },
    },
    // Offset 0 keeps the planner from reading the results of every day for the sake of a few.
    query: `
      select d.media, m.model, d.day, count(*), count(*) filter (where not d.is_told), count(*) filter (where m.unknown),
        count(m.artificial_score), avg((m.unknown is true)::integer)::double precision,
        avg(m.artificial_score),
        (percentile_cont(array[0.5, 0.95]) within group (order by m.elapsed_time))[1],
        (percentile_cont(array[0.5, 0.95]) within group (order by m.elapsed_time))[2]
      from (
        select i.id, i.media, (i.submitted_at at time zone 'UTC')::date as day, true as is_told
        from identifai.identifiers as i where i.submitted_at is not null
        union all
        select i.id, i.media, (r.observed_at at time zone 'UTC')::date, false
        from identifai.classification_revisions as r join identifai.identifiers as i on i.id = r.classification_id
        where r.revision_no = 1 and i.submitted_at is null
      ) as d
      cross join lateral (
        select m.model, m.unknown, m.elapsed_time, m.artificial_score
        from identifai.model_results as m where m.classification_id = d.id and m.clip_no is null
        offset 0
      ) as m
      group by d.media, m.model, d.day`,
  })
}
