import { defineTable, type Row } from '../table.ts'

/** States of an analysis. A record without a status has one, too: a verdict present means done, none means new. */
const ANALYSIS_STATUSES = ['new', 'done', 'errored'] as const
export type AnalysisStatus = (typeof ANALYSIS_STATUSES)[number]

/** Causes of a revision that compare the contents of two records; each medium says which part each is about. */
const CONTENT_CAUSES = [
  'status_changed',
  'heuristic_switched',
  'verdict_changed',
  'models_changed',
  'scores_changed',
  'api_version_changed',
  'details_changed',
  'hash_changed',
  'errors_changed',
  'metadata_changed',
  'extra_changed',
] as const
export type ContentCause = (typeof CONTENT_CAUSES)[number]

/** Causes that are a change of the forced label between two finished records. */
export const FORCE_CAUSES = ['forced', 'force_changed', 'unforced'] as const

/** Why a revision was appended. */
const REVISION_CAUSES = [
  'first_seen',
  ...FORCE_CAUSES,
  'already_forced',
  ...CONTENT_CAUSES,
  'disappeared',
  'reappeared',
] as const
export type RevisionCause = (typeof REVISION_CAUSES)[number]

/** Append-only history: one row for each version of a content. Every column is sealed. */
export const CLASSIFICATION_REVISIONS = defineTable({
  name: 'classification_revisions',
  order: ['revision_no'],
  columns: {
    classification_id: 'bigint not null',
    revision_no: 'integer not null',
    observed_at: 'timestamptz not null',
    previous_confirmed_at: 'timestamptz',
    run_id: 'uuid not null',
    causes: ['text[] not null', REVISION_CAUSES],
    media: 'text not null',
    identifier: 'text not null',
    submitted_at: 'timestamptz',
    file_hash: 'text',
    status: ['text not null', ANALYSIS_STATUSES],
    api_version: 'text',
    machine_classification: 'text',
    machine_confidence: 'double precision',
    machine_heuristic: 'text',
    force_classification: 'text',
    personal_commitment: 'text not null',
    payload_commitment: 'text',
  },
})

export type RevisionRow = Row<typeof CLASSIFICATION_REVISIONS>

/** The personal values of each revision, their salt, and the digest of the whole content: redaction removes them. */
export const PERSONAL_VALUES = defineTable({
  name: 'personal_values',
  order: ['revision_no'],
  columns: {
    classification_id: 'bigint not null',
    revision_no: 'integer not null',
    salt: 'text not null',
    name: 'text',
    ref_id: 'text',
    result_url: 'text',
    source: 'text',
    content_digest: 'text not null',
    digest_version: 'integer not null',
  },
})

export type PersonalValuesRow = Row<typeof PERSONAL_VALUES>

/** The record behind each revision, as received. */
export const REVISION_PAYLOADS = defineTable({
  name: 'revision_payloads',
  order: ['revision_no'],
  columns: {
    classification_id: 'bigint not null',
    revision_no: 'integer not null',
    payload: 'json not null',
  },
})

/** Append-only: who forced a label and why, as entered by the organization. Every column is sealed. */
export const OVERRIDE_NOTES = defineTable({
  name: 'override_notes',
  columns: {
    note_id: 'bigint not null default',
    media: 'text not null default',
    file_hash: 'text not null',
    forced_to: 'text not null',
    author: 'text not null',
    reason: 'text not null',
    ticket: 'text',
    reviewer: 'text',
    corrects: 'bigint',
    noted_at: 'timestamptz not null default',
  },
})

/** Actions that end the tracking of identifiers, begin it again, or remove data. */
const ACTION_KINDS = ['retire', 'track_again', 'redact', 'prune'] as const
export type ActionKind = (typeof ACTION_KINDS)[number]

/** Append-only: each end of tracking, its return, and each removal of data. Every column is sealed. */
export const ACTIONS = defineTable({
  name: 'actions',
  columns: {
    action_id: 'bigint not null default',
    kind: ['text not null', ACTION_KINDS],
    identifiers: 'integer not null',
    classification_id: 'bigint',
    author: 'text',
    reason: 'text',
    database_role: 'text not null default',
    acted_at: 'timestamptz not null default',
  },
})

/** The reasons to quarantine: a broken contract, and a value that PostgreSQL cannot store. */
const QUARANTINE_REASONS = ['invalid_payload', 'unstorable'] as const
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number]

/** Records that could not be loaded, kept as evidence. */
export const QUARANTINED_PAYLOADS = defineTable({
  name: 'quarantined_payloads',
  columns: {
    quarantine_id: 'bigint not null default',
    media: 'text not null',
    identifier: 'text not null',
    run_id: 'uuid not null',
    requested_at: 'timestamptz not null',
    received_at: 'timestamptz not null',
    quarantined_at: 'timestamptz not null default',
    reason: ['text not null', QUARANTINE_REASONS],
    issues: 'jsonb not null',
    payload: 'text',
    resolved_at: 'timestamptz',
  },
})

/** Kinds of drift: a field or a value that is not in the contract, or a field in another place. */
export const DRIFT_KINDS = ['unknown_field', 'unknown_value', 'moved_field'] as const

/** Where the API has moved away from the contract without breaking it. */
export const SCHEMA_DRIFT = defineTable({
  name: 'schema_drift',
  columns: {
    media: 'text not null',
    path: 'text not null',
    kind: ['text not null', DRIFT_KINDS],
    first_seen_at: 'timestamptz not null default',
    last_seen_at: 'timestamptz not null default',
    occurrences: 'bigint not null default',
    sample: 'text',
    sample_of: 'bigint',
  },
})
