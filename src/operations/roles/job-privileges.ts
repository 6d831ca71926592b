/**
 * The table privileges of the role that executes runs. docs/operations.md grants them. The role cannot change history.
 */
export const JOB_PRIVILEGES = {
  identifiers: ['SELECT', 'INSERT', 'UPDATE'],
  sync_runs: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  api_quota: ['SELECT', 'INSERT', 'UPDATE'],
  api_size_limits: ['SELECT', 'INSERT', 'UPDATE'],
  classifications: ['SELECT', 'INSERT', 'UPDATE'],
  clips: ['SELECT', 'INSERT', 'DELETE'],
  verdicts: ['SELECT', 'INSERT', 'DELETE'],
  model_results: ['SELECT', 'INSERT', 'DELETE'],
  classification_revisions: ['SELECT', 'INSERT'],
  revision_payloads: ['SELECT', 'INSERT'],
  quarantined_payloads: ['SELECT', 'INSERT', 'UPDATE'],
  schema_drift: ['SELECT', 'INSERT', 'UPDATE'],
  override_notes: ['SELECT'],
  chain_leaves: ['SELECT', 'INSERT'],
  schema_migrations: ['SELECT'],
} as const satisfies Readonly<Record<string, readonly string[]>>
