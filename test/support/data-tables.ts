/** What the data model names as data tables, parents first; written out here, so that the code is held against it. */
export const DATA_TABLES = [
  'classifications',
  'clips',
  'verdicts',
  'verdict_models',
  'model_results',
  'model_scores',
  'classification_revisions',
  'revision_payloads',
]
