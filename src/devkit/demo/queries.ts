/** Questions about the data, each with its SQL. docs/bi.md has more. */
export const QUESTIONS = [
  {
    question: 'How many files have which label? A forced label replaces the one of the machine.',
    sql: `select effective_classification, count(*) as identifiers, count(distinct file_hash) as files,
       count(*) filter (where is_forced) as forced, count(*) filter (where contradicts_machine) as against_the_machine
from identifai_reporting.classifications
where status = 'done'
group by 1 order by 1`,
  },
  {
    question:
      'How certain is each model, on whole files, that the audio is artificial? (Without abstentions.)',
    sql: `select model, count(*) as results, count(*) filter (where abstained) as abstained,
       round(avg(artificial_score)::numeric, 3)::text as mean_artificial_score
from identifai_reporting.file_model_results
group by model order by model`,
  },
  {
    question: 'Which classifications were forced, and between which two requests?',
    sql: `select left(identifier, 10) as identifier, left(file_hash, 8) as file,
       machine_classification_after as machine, forced_to,
       to_char(not_before, 'HH24:MI:SS.MS') as not_before, to_char(not_after, 'HH24:MI:SS.MS') as not_after
from identifai_reporting.force_events
where event <> 'already_forced'
order by file_hash, identifier`,
  },
  {
    question: 'Which classifications should a person review first?',
    sql: `select rank, count(*) as classifications, min(reasons) as for_example
from identifai_reporting.review_worklist
group by rank order by rank`,
  },
]

/** The most important tables and their contents. */
export const TABLES: readonly (readonly [table: string, holds: string])[] = [
  ['identifiers', 'tracked identifiers and their states'],
  ['sync_runs', 'one row per run'],
  ['classifications', 'current content of each returned identifier'],
  ['verdicts', 'main verdict, and one per heuristic'],
  ['model_results', 'result of each model for the file and for each clip'],
  ['clips', 'segments of the files, each with its verdict'],
  ['classification_revisions', 'append-only history'],
  ['revision_payloads', 'the records as received'],
]
