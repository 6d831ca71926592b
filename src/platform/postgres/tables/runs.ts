import { defineTable, type ReadRow } from '../table.ts'

/** A run is started by a person, by the schedule (a nightly or a fresh run), by `replay` or by `demo`. */
export const RUN_TRIGGERS = ['manual', 'nightly', 'fresh', 'replay', 'demo'] as const
export type RunTrigger = (typeof RUN_TRIGGERS)[number]

/** The runs that request everything due. Fresh runs and replays can succeed while every nightly run fails. */
export const COMPLETE_TRIGGERS = ['nightly', 'manual', 'demo'] as const satisfies readonly RunTrigger[]

export const RUN_STATUSES = ['running', 'succeeded', 'partial', 'failed', 'interrupted'] as const
export type RunStatus = (typeof RUN_STATUSES)[number]

/** A partial run requested everything, too. It quarantined or released some of it. */
export const SUCCESS_STATUSES = ['succeeded', 'partial'] as const satisfies readonly RunStatus[]

/** Counters of a run; the comments of their columns define them. */
export const COUNTERS = [
  'requests',
  'retries',
  'throttled',
  'claimed',
  'returned',
  'done',
  'pending',
  'errored',
  'not_returned',
  'quarantined',
  'released',
  'changed',
  'unchanged',
  'force_changes',
] as const

/** Set when a run has been sealed; no part of the sealed row. */
const CHAIN_COLUMNS = {
  chain_nodes: 'text[]',
  chain_head: 'text',
  chain_signature: 'text',
} as const

const counterColumns = Object.fromEntries(
  COUNTERS.map((name) => [name, 'integer not null default']),
) as Record<(typeof COUNTERS)[number], 'integer not null default'>

/** One row a run: requests, outcomes, and the tracked identifiers at its end. */
export const SYNC_RUNS = defineTable({
  name: 'sync_runs',
  columns: {
    run_id: 'uuid not null',
    trigger: ['text not null', RUN_TRIGGERS],
    status: ['text not null default', RUN_STATUSES],
    started_at: 'timestamptz not null default',
    heartbeat_at: 'timestamptz not null default',
    finished_at: 'timestamptz',
    host: 'text not null',
    pid: 'integer not null',
    version: 'text not null',
    error: 'text',
    ...counterColumns,
    tracked_count: 'integer',
    pending_count: 'integer',
    done_count: 'integer',
    errored_count: 'integer',
    missing_count: 'integer',
    quarantined_count: 'integer',
    retired_count: 'integer',
    confirmed_since: 'timestamptz',
    unfinished_since: 'timestamptz',
    reanalyzing_count: 'integer',
    retired_reasons: 'jsonb',
    unsealed_runs: 'integer',
    forced_now: 'jsonb',
    first_http_date: 'timestamptz',
    last_http_date: 'timestamptz',
    chain_position: 'integer',
    ...CHAIN_COLUMNS,
    merkle_root: 'text',
    leaf_count: 'integer',
    notes_through: 'bigint',
    actions_through: 'bigint',
  },
})

export type SyncRunRow = ReadRow<typeof SYNC_RUNS>

/** Columns that change while a run is open, or that sealing adds: everything else of the row is sealed. */
export const UNSEALED_RUN_COLUMNS: readonly string[] = ['heartbeat_at', ...Object.keys(CHAIN_COLUMNS)]

/** Append-only: the leaves of the Merkle tree of each sealed run. */
export const CHAIN_LEAVES = defineTable({
  name: 'chain_leaves',
  columns: {
    chain_position: 'integer not null',
    leaf_no: 'integer not null',
    classification_id: 'bigint',
    revision_no: 'integer',
    note_id: 'bigint',
    action_id: 'bigint',
    leaf_hash: 'text not null',
  },
})

/** Append-only: the timestamps of chain heads, each a TimeStampResp of RFC 3161. No part of anything sealed. */
export const CHAIN_TIMESTAMPS = defineTable({
  name: 'chain_timestamps',
  columns: {
    chain_position: 'integer not null',
    authority: 'text not null',
    token: 'bytea not null',
    received_at: 'timestamptz not null default',
  },
})

/** Append-only: the results of the verifications of the daemon. */
export const VERIFICATIONS = defineTable({
  name: 'verifications',
  columns: {
    started_at: 'timestamptz not null',
    finished_at: 'timestamptz not null default',
    runs: 'integer not null',
    chain_head: 'text',
    classifications: 'integer not null',
    findings: 'integer not null',
    first_findings: 'text',
  },
})

/** The last notification that the webhook accepted: one row. */
export const WEBHOOK_POSITION = defineTable({
  name: 'webhook_position',
  columns: {
    is_only_row: 'boolean not null default',
    chain_position: 'integer not null',
    classification_id: 'bigint not null default',
    revision_no: 'integer not null default',
    quarantine_id: 'bigint not null default',
    leased_by: 'uuid',
    lease_until: 'timestamptz',
    failing_since: 'timestamptz',
    last_error: 'text',
  },
})
