import type { Selectable } from 'kysely'
import type { Generated, Jsonb, Timestamp } from '../column-types.ts'

export type RunTrigger = 'manual' | 'nightly' | 'fresh' | 'replay' | 'demo'
export type RunStatus = 'running' | 'succeeded' | 'partial' | 'failed' | 'interrupted'

/** One row per pass: what it asked, what came of it, and the ledger as it was when it ended. */
export interface SyncRunsTable {
  run_id: string
  trigger: RunTrigger
  status: Generated<RunStatus>
  started_at: Generated<Timestamp>
  heartbeat_at: Generated<Timestamp>
  finished_at: Timestamp | null
  host: string
  pid: number
  version: string
  error: string | null
  requests: Generated<number>
  retries: Generated<number>
  throttled: Generated<number>
  claimed: Generated<number>
  returned: Generated<number>
  done: Generated<number>
  pending: Generated<number>
  errored: Generated<number>
  not_returned: Generated<number>
  quarantined: Generated<number>
  released: Generated<number>
  changed: Generated<number>
  unchanged: Generated<number>
  force_changes: Generated<number>
  tracked_count: number | null
  pending_count: number | null
  done_count: number | null
  errored_count: number | null
  missing_count: number | null
  quarantined_count: number | null
  retired_count: number | null
  confirmed_since: Timestamp | null
  unfinished_enqueued_since: Timestamp | null
  reanalyzing_count: number | null
  retired_reasons: Jsonb | null
  unsealed_runs: number | null
  first_http_date: Timestamp | null
  last_http_date: Timestamp | null
  chain_position: number | null
  merkle_root: string | null
  chain_head: string | null
  notes_through: number | null
}

export type SyncRunRow = Selectable<SyncRunsTable>
