/** The data tables, parents first. Tests compare this list with the product's own, so it is not derived from it. */
export const DATA_TABLES = [
  'classifications',
  'clips',
  'verdicts',
  'model_results',
  'classification_revisions',
  'personal_values',
  'revision_payloads',
]
