/** What hangs on a classification, parents before children. The other tables of the schema are for the job. */
export const DATA_TABLES = [
  'classifications',
  'clips',
  'verdicts',
  'verdict_models',
  'model_results',
  'model_scores',
  'classification_revisions',
  'revision_payloads',
] as const
