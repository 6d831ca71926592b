/** A question somebody would ask, and the SQL that answers it. */
export interface Question {
  readonly question: string
  readonly sql: string
}

/** A few of them; docs/bi.md has more. */
export const QUESTIONS: readonly Question[] = [
  {
    question: "What counts: the forced label where there is one, else the machine's?",
    sql: `select effective_classification, count(*) as identifiers, count(distinct file_hash) as files,
       count(*) filter (where is_forced) as forced, count(*) filter (where contradicts_machine) as against_the_machine
from identifai_reporting.classifications
where status = 'done'
group by 1 order by 1`,
  },
  {
    question: 'How sure is each model, on whole files, that the audio is artificial? (Abstentions stay out.)',
    sql: `select model, count(*) as results, count(*) filter (where abstained) as abstained,
       round(avg(artificial_score)::numeric, 3)::text as mean_artificial_score
from identifai_reporting.file_model_results
group by model order by model`,
  },
  {
    question: 'Which classifications were seen to be forced, and between which two looks did it happen?',
    sql: `select left(identifier, 10) as identifier, left(file_hash, 8) as file,
       machine_classification_after as machine, forced_to,
       to_char(not_before, 'HH24:MI:SS.MS') as not_before, to_char(not_after, 'HH24:MI:SS.MS') as not_after
from identifai_reporting.force_events
where event <> 'already_forced'
order by file_hash, identifier`,
  },
  {
    question: 'What should a person look at first?',
    sql: `select rank, count(*) as classifications, min(reasons) as for_example
from identifai_reporting.review_worklist
group by rank order by rank`,
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
