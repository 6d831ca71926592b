import { CONTENT_TABLES, DATA_TABLE_NAMES } from '../../media/registry.ts'
import {
  CLASSIFICATION_REVISIONS,
  OVERRIDE_NOTES,
  PERSONAL_VALUES,
} from '../../platform/postgres/tables/history.ts'

/** A privilege as SQL writes it between GRANT and TO: `SELECT ON identifai.sync_runs`. */
export type Privilege = string

/** Joins the privileges on each object, as one statement of SQL can: `SELECT, INSERT ON identifai.clips`. */
export function joinByObject(privileges: readonly Privilege[]): string[] {
  const byObject = Map.groupBy(privileges, (privilege) => privilege.split(' ON ')[1])
  return [...byObject].map(([object, ofObject]) => {
    const byKind = Map.groupBy(ofObject, (privilege) => privilege.split(' ')[0])
    const kinds = [...byKind].map(([kind, ofKind]) => {
      const columns = ofKind.flatMap((privilege) => /\((.+)\) ON /.exec(privilege)?.[1] ?? [])
      return columns.length === 0 ? kind : `${kind} (${columns.join(', ')})`
    })
    return `${kinds.join(', ')} ON ${object}`
  })
}

/** The tables of runs and verifications, and what these do with them. They cannot change history. */
const JOB_TABLES = {
  identifiers: ['SELECT', 'INSERT', 'UPDATE'],
  change_clock: ['SELECT', 'INSERT', 'UPDATE'],
  sync_runs: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  api_quota: ['SELECT', 'INSERT', 'UPDATE'],
  api_size_limits: ['SELECT', 'INSERT', 'UPDATE'],
  classifications: ['SELECT', 'INSERT', 'UPDATE'],
  clips: ['SELECT', 'INSERT', 'DELETE'],
  verdicts: ['SELECT', 'INSERT', 'DELETE'],
  model_results: ['SELECT', 'INSERT', 'DELETE'],
  classification_revisions: ['SELECT', 'INSERT'],
  personal_values: ['SELECT', 'INSERT'],
  revision_payloads: ['SELECT', 'INSERT'],
  quarantined_payloads: ['SELECT', 'INSERT', 'UPDATE'],
  schema_drift: ['SELECT', 'INSERT', 'UPDATE'],
  override_notes: ['SELECT'],
  actions: ['SELECT', 'INSERT'],
  chain_leaves: ['SELECT', 'INSERT'],
  chain_timestamps: ['SELECT', 'INSERT'],
  verifications: ['SELECT', 'INSERT'],
  webhook_position: ['SELECT', 'INSERT', 'UPDATE'],
  schema_migrations: ['SELECT'],
} as const

const USAGE = 'USAGE ON SCHEMA identifai'

export const USAGE_OF_VIEWS = 'USAGE ON SCHEMA identifai_reporting'

/** The role that executes runs and verifications. Of the views, it reads the decisions, for the status page. */
export const JOB: readonly Privilege[] = [
  ...privilegesOn(JOB_TABLES),
  USAGE_OF_VIEWS,
  'SELECT ON identifai_reporting.force_decisions',
]

function privilegesOn(tables: Readonly<Record<string, readonly string[]>>): readonly Privilege[] {
  return [
    USAGE,
    ...Object.entries(tables).flatMap(([table, kinds]) =>
      kinds.map((kind) => `${kind} ON identifai.${table}`),
    ),
  ]
}

/** A role that writes notes on overrides, in addition to JOB. */
export const ANNOTATOR: readonly Privilege[] = ['INSERT ON identifai.override_notes']

/** The tables of a role that removes data: payloads by age, and the personal values of retired identifiers. */
const MAINTENANCE_TABLES = {
  identifiers: [
    'SELECT',
    'UPDATE (source)',
    'UPDATE (last_error)',
    'UPDATE (record_digest)',
    'UPDATE (redacted_at)',
    'UPDATE (changed_at)',
  ],
  change_clock: ['SELECT', 'INSERT', 'UPDATE'],
  classifications: ['name', 'ref_id', 'result_url', 'extra', 'unstorable']
    .map((column) => `UPDATE (${column})`)
    .concat('SELECT (classification_id)'),
  classification_revisions: ['SELECT'],
  personal_values: ['SELECT (classification_id)', 'DELETE'],
  revision_payloads: ['SELECT', 'DELETE'],
  quarantined_payloads: ['SELECT (media)', 'SELECT (identifier)', 'DELETE'],
  schema_drift: ['SELECT (sample_of)', 'UPDATE (sample)'],
  actions: ['INSERT'],
  schema_migrations: ['SELECT'],
}

/** The role that removes data. It cannot execute runs, and cannot change history. */
export const MAINTENANCE: readonly Privilege[] = privilegesOn(MAINTENANCE_TABLES)

/** An application that adds identifiers and requests refreshes. It cannot read the rows that it inserted. */
export const ENQUEUER: readonly Privilege[] = [
  USAGE,
  ...['media', 'identifier', 'submitted_at', 'source'].map(
    (column) => `INSERT (${column}) ON identifai.identifiers`,
  ),
  'EXECUTE ON FUNCTION identifai.request_refresh(text,text)',
]

/** The columns of the views that can name a person. */
export const PERSONAL_COLUMNS = ['name', 'ref_id', 'result_url']

/** A reader of the data tables, in addition to the views. */
export const TABLE_READER: readonly Privilege[] = [
  USAGE,
  ...DATA_TABLE_NAMES.map((name) => `SELECT ON identifai.${name}`),
]

/**
 * A reader of the views where the data tables are distributed. A worker executes its part of a query as the reader, and not as
 * the owner of the views. The payloads are not among these tables, because no view has them.
 */
export const CLUSTER_READER: readonly Privilege[] = [
  USAGE,
  ...[...CONTENT_TABLES, CLASSIFICATION_REVISIONS, PERSONAL_VALUES, OVERRIDE_NOTES].map(
    ({ name }) => `SELECT ON identifai.${name}`,
  ),
]
