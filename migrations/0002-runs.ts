import { type Kysely, sql } from 'kysely'
import { commentOnTable } from './with-comments.ts'

/** Counters of a run: integer columns. */
const COUNTERS = {
  requests: 'GET requests that were sent, retries included.',
  retries: 'Requests that were sent again after a transient failure.',
  throttled: 'Responses with status 429 (over quota).',
  claimed:
    'Claims made. Each ends in exactly one outcome: done, pending, errored, not_returned, quarantined or released.',
  returned: 'Records in responses that belong to a claim.',
  done: 'Claims that ended done.',
  pending: 'Claims whose analysis was unfinished.',
  errored: 'Claims that ended errored.',
  not_returned: 'Claims whose identifier was not in the response.',
  quarantined:
    'Claims whose record did not fit the contract, or whose identifier the API refused in a request of its own.',
  released: 'Claims released without an outcome: failed requests, lost leases, interruption.',
  changed: 'Claims whose content was new or different: a revision was appended.',
  unchanged: 'Claims whose content was the same: only the row in identifiers was written.',
  force_changes: 'Claims whose force_classification differed from the finished record before.',
} as const

/** Counts of tracked identifiers when the run ended: integer columns, null while it runs. */
const COUNTS = {
  tracked_count: 'Tracked identifiers, the retired ones included, when the run ended.',
  pending_count: 'Identifiers in state pending when the run ended.',
  done_count: 'Identifiers in state done when the run ended.',
  errored_count: 'Identifiers in state errored when the run ended.',
  missing_count: 'Identifiers in state missing when the run ended.',
  quarantined_count: 'Identifiers in state quarantined when the run ended.',
  retired_count: 'Identifiers in state retired when the run ended.',
} as const

export async function up(db: Kysely<unknown>): Promise<void> {
  let table = db.schema
    .createTable('identifai.sync_runs')
    .addColumn('run_id', 'uuid', (c) => c.notNull())
    .addColumn('trigger', 'text', (c) => c.notNull())
    .addColumn('status', 'text', (c) => c.notNull().defaultTo('running'))
    .addColumn('started_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('heartbeat_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('finished_at', 'timestamptz')
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('pid', 'integer', (c) => c.notNull())
    .addColumn('version', 'text', (c) => c.notNull())
    .addColumn('error', 'text')
  for (const counter of Object.keys(COUNTERS)) {
    table = table.addColumn(counter, 'integer', (c) => c.notNull().defaultTo(0))
  }
  for (const count of Object.keys(COUNTS)) {
    table = table.addColumn(count, 'integer')
  }
  await table
    .addColumn('confirmed_since', 'timestamptz')
    .addColumn('unfinished_since', 'timestamptz')
    .addColumn('reanalyzing_count', 'integer')
    .addColumn('retired_reasons', 'jsonb')
    .addColumn('unsealed_runs', 'integer')
    .addColumn('forced_now', 'jsonb')
    .addColumn('first_http_date', 'timestamptz')
    .addColumn('last_http_date', 'timestamptz')
    .addColumn('chain_position', 'integer')
    .addColumn('chain_nodes', sql`text[]`)
    .addColumn('chain_head', 'text')
    .addColumn('chain_signature', 'text')
    .addColumn('merkle_root', 'text')
    .addColumn('leaf_count', 'integer')
    .addColumn('notes_through', 'bigint')
    .addColumn('actions_through', 'bigint')
    .addPrimaryKeyConstraint('sync_runs_pkey', ['run_id'])
    .addUniqueConstraint('sync_runs_chain_position_key', ['chain_position'])
    .addCheckConstraint(
      'sync_runs_trigger_known',
      sql`trigger in ('manual', 'nightly', 'fresh', 'replay', 'demo')`,
    )
    .addCheckConstraint(
      'sync_runs_status_known',
      sql`status in ('running', 'succeeded', 'partial', 'failed', 'interrupted')`,
    )
    .addCheckConstraint('sync_runs_ended_has_finished_at', sql`(status = 'running') = (finished_at is null)`)
    .execute()

  await db.schema
    .createIndex('sync_runs_started_at_idx')
    .on('identifai.sync_runs')
    .column('started_at')
    .execute()

  await commentOnTable(
    db,
    'identifai.sync_runs',
    'One row per run of the job: its requests, their outcomes, and the counts of tracked identifiers when it ended.',
    {
      run_id: 'Key. Identifiers, revisions and quarantined payloads refer to it.',
      trigger:
        'Origin of the run: manual (sync), nightly, fresh (every minute: new, unfinished and refresh-requested identifiers), replay (stored payloads, no requests) or demo.',
      status:
        'running, succeeded, partial (something was quarantined or released), failed (the run gave up) or interrupted.',
      started_at: 'Database clock when the run started.',
      heartbeat_at: 'Database clock of its last heartbeat.',
      finished_at: 'Database clock when it ended. Null while it runs.',
      host: 'Name of the machine that it ran on.',
      pid: 'Process ID on that machine.',
      version: 'Version of identifai-sync.',
      error: 'Reason for which it failed, was interrupted, or lost some of its requests. Null otherwise.',
      ...COUNTERS,
      ...COUNTS,
      confirmed_since: 'Oldest last_confirmed_at among done and errored identifiers when the run ended.',
      unfinished_since:
        'Among pending, missing and quarantined identifiers when the run ended, the oldest last_confirmed_at, or enqueued_at where it was never finished. Null when there were none.',
      reanalyzing_count:
        'Done and errored identifiers whose analysis was running again when the run ended. A force in the meantime is observed when that analysis ends.',
      retired_reasons:
        'Reasons for which identifiers were retired, when the run ended. A list of {reason, identifiers}, the most frequent first, at most 20; all others are one entry whose reason is null.',
      unsealed_runs:
        'Other open runs that had already changed contents when this one ended. Their observations are sealed with them, later in the chain.',
      forced_now:
        'Identifiers by the labels of their latest finished record in the runs sealed up to this one: a list of {media, machine, forced_to, identifiers}. A null machine is no verdict; a null forced_to is not forced.',
      first_http_date:
        'Date header of the first response: the only time in a run that is from an outside clock.',
      last_http_date: 'Date header of the last response.',
      chain_position: 'Position of the run in the chain, from 1. Null until it is sealed.',
      chain_nodes:
        'Hashes (hex) of the complete subtrees of the chain that end with this run. The first one is that of this row as sealed. Those over 2, 4, 8 and more runs follow.',
      chain_head: 'Root (hex) of the RFC 9162 Merkle tree over all runs up to this one.',
      chain_signature:
        'Signature (Base64) of the chain head, as in a C2SP checkpoint. Null when no signing key was configured.',
      merkle_root:
        'Root (hex) of the RFC 9162 Merkle tree over its revisions, and the new notes and actions.',
      leaf_count:
        'Number of its revisions, and of the new notes and actions, which are the leaves of that tree.',
      notes_through: 'Highest note_id of override_notes that this run, or one before, sealed.',
      actions_through: 'Highest action_id of actions that this run, or one before, sealed.',
    },
  )
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('identifai.sync_runs').execute()
}
