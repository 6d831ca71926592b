/** A question somebody would ask, and the SQL that answers it. */
export interface Question {
  readonly question: string
  readonly sql: string
}

export const QUESTIONS: readonly Question[] = [
  {
    question: "What counts for each identifier: the forced label where there is one, else the machine's?",
    sql: `select coalesce(c.force_classification, v.classification) as counts_as,
       count(*) as identifiers, count(distinct c.file_hash) as files,
       count(c.force_classification) as forced_identifiers
from identifai.classifications c
left join identifai.verdicts v on v.classification_id = c.classification_id and v.kind = 'main'
group by 1 order by 1 nulls last`,
  },
  {
    question: 'How sure is each model, on whole files, that the audio is artificial? (Abstentions stay out.)',
    sql: `select r.model, count(*) as results, round(avg(s.score)::numeric, 3)::text as mean_artificial_score
from identifai.model_results r
join identifai.model_scores s on s.classification_id = r.classification_id and s.result_no = r.result_no
where r.clip_no is null and s.label = 'artificial'
group by r.model order by r.model`,
  },
  {
    question: 'Which classifications were seen to be forced, and between which two looks did it happen?',
    sql: `select left(identifier, 10) as identifier, left(file_hash, 8) as file, machine_classification as machine,
       force_classification as forced_to, to_char(previous_confirmed_at, 'HH24:MI:SS.MS') as not_before,
       to_char(observed_at, 'HH24:MI:SS.MS') as not_after
from identifai.classification_revisions
where causes && '{forced,force_changed,unforced}'
order by file_hash, identifier`,
  },
  {
    question: 'Why was each revision of the history written?',
    sql: `select array_to_string(causes, ', ') as causes, count(*) as revisions
from identifai.classification_revisions group by 1 order by 2 desc, 1`,
  },
]

/** The tables that a first look should visit, with what is in them. */
export const TABLES: readonly (readonly [table: string, holds: string])[] = [
  ['identifiers', 'the ledger: what is tracked, and where each stands'],
  ['sync_runs', 'one row per pass'],
  ['classifications', 'current content of each answered identifier'],
  ['verdicts', 'main verdict, one per heuristic, one per clip'],
  ['verdict_models', 'models that a verdict used'],
  ['model_results', 'what each model said of the file and of each clip'],
  ['model_scores', 'its score per label'],
  ['clips', 'segments of the files'],
  ['classification_revisions', 'append-only history'],
  ['revision_payloads', 'the records as received'],
]
