import { type Kysely, sql } from 'kysely'
import { CHANGED, IDENTIFICATION, SUBMISSION } from './0007-reporting-classifications.ts'
import { createView, dropViews } from './with-comments.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Results on whole files are few among those on clips.
  await db.schema
    .createIndex('model_results_file_idx')
    .on('identifai.model_results')
    .columns(['classification_id', 'result_no'])
    .where(sql.ref('clip_no'), 'is', null)
    .execute()
  await createVerdicts(db)
  await createVerdictModels(db)
  await createModelResults(db)
  await createClips(db)
  await createArtificialSpans(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await dropViews(db, 'artificial_spans', 'clips', 'clip_model_results', 'file_model_results')
  await dropViews(db, 'verdict_models', 'verdicts')
  await sql`drop index identifai.model_results_file_idx`.execute(db)
}

async function createVerdicts(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'verdicts', {
    comment:
      "The machine's verdict on the whole file under each heuristic, the main verdict included once. To count classifications, use classifications, because a file has several verdicts. Averages by heuristic are not comparable, because heuristics cover different files and have their own confidences; heuristic_agreement compares them on the same files. Clips are in clips. One row per classification and heuristic.",
    columns: {
      ...IDENTIFICATION,
      heuristic: 'The method that combined the results of the models. Null: not returned.',
      is_main: "True for the main verdict: by the account's default heuristic.",
      classification: "The machine's label under this heuristic. Null: no label.",
      confidence: "The machine's confidence in that label, 0 to 1. Null: not returned.",
      agrees_with_main:
        'True when it has the same label as the main verdict. Null: it is the main verdict, or one of the two has no label.',
      agrees_with_force: 'True when it has the forced label. Null: not forced, or it has no label.',
      ...SUBMISSION,
      ...CHANGED,
    },
    query: `
      select
        v.classification_id, i.identifier, v.heuristic, v.kind = 'main', v.classification, v.confidence,
        case when v.kind <> 'main' then v.classification = r.machine_classification end,
        v.classification = c.force_classification,
        i.media, i.submitted_at, i.source, i.changed_at
      from identifai.classifications as c
      left join identifai.identifiers as i on i.id = c.classification_id
      left join identifai.classification_revisions as r
        on r.classification_id = c.classification_id and r.revision_no = c.revision_no
      join identifai.verdicts as v on v.classification_id = c.classification_id
      where not v.is_repeated`,
  })
}

async function createVerdictModels(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'verdict_models', {
    comment:
      'The models that a verdict used, for whole files and for clips. One row per verdict and model in its list.',
    columns: {
      ...IDENTIFICATION,
      heuristic:
        'The heuristic of the verdict. Joins: verdicts.heuristic, with classification_id, where scope is file. Null: not returned.',
      scope: 'Subject of the verdict: file or clip.',
      clip_no:
        'The clip that it judges. Joins: clips.clip_no, with classification_id. Null: it judges the whole file.',
      model_no:
        'Position of the model in the list of the verdict, from 0. A model that the API lists twice has two rows; count(distinct model) counts it one time.',
      model: 'Name of the model. Null: not returned.',
      ...SUBMISSION,
      ...CHANGED,
    },
    // The joins are within the union, so that a condition on an identifier or a time applies before the rows are read.
    query: `
      select
        v.classification_id, v.identifier, v.heuristic, v.scope, v.clip_no, generate_subscripts(v.models, 1) - 1,
        unnest(v.models), v.media, v.submitted_at, v.source, v.changed_at
      from (
        select v.classification_id, i.identifier, v.heuristic, 'file' as scope, null::integer as clip_no, v.models,
          i.media, i.submitted_at, i.source, i.changed_at
        from identifai.verdicts as v
        left join identifai.identifiers as i on i.id = v.classification_id
        where not v.is_repeated
        union all
        select k.classification_id, i.identifier, k.heuristic, 'clip' as scope, k.clip_no, k.models,
          i.media, i.submitted_at, i.source, i.changed_at
        from identifai.clips as k
        left join identifai.identifiers as i on i.id = k.classification_id
      ) as v`,
  })
}

const RESULT = {
  result_no:
    'Number of the result within the classification. It distinguishes two results of the same model.',
  model: 'Name of the model. Null: not returned.',
  abstained: 'True when the model abstained ("unknown" in the API).',
  elapsed_time: 'Time that the model took; the API states no unit. Null: not returned.',
  human_score:
    'Score for the label human, at any position in the list; the highest if there are several. Null: the model abstained, or gave no such score.',
  artificial_score:
    'Score for the label artificial; the highest if there are several. Null: the model abstained, or gave no such score.',
  top_label:
    'Label with the highest score; the first of equals. Null: the model abstained, or gave no such score.',
  top_score: 'Score of top_label. Null: the model abstained, or gave no such score.',
} as const

async function createModelResults(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'file_model_results', {
    comment:
      'The result of each model on the whole file. Scores of a model that abstained are null, so that averages do not include them. Results on clips are in clip_model_results, so that no average mixes the two. One row per classification and result of a model on the whole file.',
    columns: { ...IDENTIFICATION, ...RESULT, ...SUBMISSION, ...CHANGED },
    query: results('m.clip_no is null', ''),
  })
  await createView(db, 'clip_model_results', {
    comment:
      'The result of each model on each clip. Scores of a model that abstained are null, so that averages do not include them. Results on whole files are in file_model_results. One row per clip and result of a model on it.',
    columns: {
      ...IDENTIFICATION,
      clip_no: 'The clip. Joins: clips.clip_no, with classification_id.',
      clip_key:
        'classification_id and clip_no in one column, for tools that relate tables by one column. Joins: clips.clip_key.',
      ...RESULT,
      ...SUBMISSION,
      ...CHANGED,
    },
    query: results('m.clip_no is not null', "m.clip_no, m.classification_id || '/' || m.clip_no,"),
  })
}

function results(condition: string, clipColumns: string): string {
  return `
    select
      m.classification_id, i.identifier, ${clipColumns} m.result_no, m.model, m.unknown is true, m.elapsed_time,
      ${scoreOf('human')}, ${scoreOf('artificial')}, m.top_label,
      case when m.other_scores is null then greatest(m.human_score, m.artificial_score)
        else ${highestOther('true')} end,
      i.media, i.submitted_at, i.source, i.changed_at
    from identifai.model_results as m
    left join identifai.identifiers as i on i.id = m.classification_id
    where ${condition}`
}

/** The highest score of a label in a row `m` of model_results; null when the model abstained. */
export function scoreOf(label: 'human' | 'artificial'): string {
  return `case when m.other_scores is null then m.${label}_score else ${highestOther(`s ->> 'label' = '${label}'`)} end`
}

function highestOther(condition: string): string {
  return `(select max((s ->> 'score')::double precision) from jsonb_array_elements(m.other_scores) as s
    where m.unknown is not true and ${condition} and jsonb_typeof(s -> 'score') = 'number')`
}

async function createClips(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'clips', {
    comment:
      "The clips (segments) of each file, with the machine's label of each. One row per clip of a classification.",
    columns: {
      ...IDENTIFICATION,
      clip_no: 'Position of the clip in the record, from 0.',
      clip_key:
        'classification_id and clip_no in one column, for tools that relate tables by one column. Joins: clip_model_results.clip_key.',
      clip_index: 'Index of the clip at identifAI; possibly not unique. Null: not returned.',
      clip_start: 'Start of the clip; the API states no unit. Null: not returned.',
      clip_end: 'End of the clip; the API states no unit. Null: not returned.',
      classification: "The machine's label for this clip. Null: the clip has no label.",
      confidence: "The machine's confidence in that label, 0 to 1. Null: not returned.",
      disagrees_with_machine:
        'True when the clip has another label than the main verdict on its file. Null: one of the two has no label.',
      disagrees_with_effective:
        'True when the clip has another label than the label that counts for its file. Null: the clip or the file has no label.',
      ...SUBMISSION,
      ...CHANGED,
    },
    query: `
      select
        k.classification_id, i.identifier, k.clip_no, k.classification_id || '/' || k.clip_no,
        k.clip_index, k.clip_start, k.clip_end,
        k.classification, k.confidence,
        k.classification <> r.machine_classification,
        case when r.status <> 'new' then
          k.classification <> coalesce(c.force_classification, r.machine_classification) end,
        i.media, i.submitted_at, i.source, i.changed_at
      from identifai.classifications as c
      left join identifai.identifiers as i on i.id = c.classification_id
      left join identifai.classification_revisions as r
        on r.classification_id = c.classification_id and r.revision_no = c.revision_no
      join identifai.clips as k on k.classification_id = c.classification_id`,
  })
}

async function createArtificialSpans(db: Kysely<unknown>): Promise<void> {
  await createView(db, 'artificial_spans', {
    comment:
      'The parts of a file that the machine labels artificial: artificial clips, merged where they touch or overlap. Clips with other labels have no effect, even where they overlap. A repeated clip counts one time. A clip with swapped ends is read in the right order. A clip without a start or an end is left out. One row per stretch of a file that artificial clips cover without a gap.',
    columns: {
      ...IDENTIFICATION,
      span_start: 'Start of the span; the API states no unit.',
      span_end: 'End of the span.',
      clip_count: 'Clips in the span; two clips with the same start and end count as one.',
      max_confidence: 'The highest confidence among them. Null: none of them has one.',
      ...SUBMISSION,
      ...CHANGED,
    },
    // Gaps and islands: a span begins where a clip starts after all earlier ends. Every window partitions by all columns that
    // identify the file, so that a condition on them applies before the sort.
    query: `
      select classification_id, identifier, min(clip_start), max(clip_end), count(*)::integer, max(confidence),
        media, submitted_at, source, changed_at
      from (
        select marked.*, count(*) filter (where begins) over (
          partition by classification_id, identifier, media, submitted_at, source, changed_at
          order by clip_start, clip_end) as span_no
        from (
          select placed.*, clip_start > coalesce(max(clip_end) over (
            partition by classification_id, identifier, media, submitted_at, source, changed_at
            order by clip_start, clip_end rows between unbounded preceding and 1 preceding), '-infinity') as begins
          from (
            select k.classification_id, i.identifier, least(k.clip_start, k.clip_end) as clip_start,
              greatest(k.clip_start, k.clip_end) as clip_end, max(k.confidence) as confidence,
              i.media, i.submitted_at, i.source, i.changed_at
            from identifai.clips as k
            left join identifai.identifiers as i on i.id = k.classification_id
            where k.classification = 'artificial' and k.clip_start is not null and k.clip_end is not null
            group by k.classification_id, i.identifier, i.media, i.submitted_at, i.source, i.changed_at,
              least(k.clip_start, k.clip_end), greatest(k.clip_start, k.clip_end)
          ) as placed
        ) as marked
      ) as numbered
      group by classification_id, identifier, media, submitted_at, source, changed_at, span_no`,
  })
}
