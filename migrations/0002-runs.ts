import { type Kysely, sql } from 'kysely'
import { commentOn } from './comment-on.ts'

/** Counter columns, integer, with what each counts. */
const COUNTERS = {
  requests: 'GET requests sent, retries included.',
  retries: 'Requests sent again after a failure that may pass.',
  throttled: 'Answers 429 (over quota).',
  claimed: 'Claims made; each ends in exactly one of the six outcomes that follow.',
  returned: 'Records in answers that belong to a claim.',
  done: 'Claims that ended done.',
  pending: 'Claims that found the analysis unfinished.',
  errored: 'Claims that ended errored.',
  not_returned: 'Claims whose identifier was not in the answer.',
  quarantined: 'Claims whose record did not fit the contract, or was refused alone.',
  released: 'Claims given back without an outcome: failures, lost leases, interruption.',
  changed: 'Claims whose content was new or differed: a revision was appended.',
  unchanged: 'Claims whose content was the same: nothing but the ledger row was written.',
  force_changes: 'Claims whose force_classification differed from the finished answer before.',
} as const

/** Ledger counts taken when the run ends, integer, null while it runs. */
const SEALED_COUNTS = {
  tracked_count: 'Identifiers in the ledger, retired ones included, when the run ended.',
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
  for (const count of Object.keys(SEALED_COUNTS)) {
    table = table.addColumn(count, 'integer')
  }
  await table
    .addColumn('confirmed_since', 'timestamptz')
    .addColumn('unfinished_enqueued_since', 'timestamptz')
    .addColumn('reanalyzing_count', 'integer')
    .addColumn('retired_reasons', 'jsonb')
    .addColumn('unsealed_runs', 'integer')
    .addColumn('first_http_date', 'timestamptz')
    .addColumn('last_http_date', 'timestamptz')
    .addColumn('chain_position', 'integer')
    .addColumn('merkle_root', 'text')
    .addColumn('chain_head', 'text')
    .addColumn('notes_through', 'bigint')
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
    .addCheckConstraint('sync_runs_ended_says_when', sql`(status = 'running') = (finished_at is null)`)
    .execute()

  await db.schema
    .createIndex('sync_runs_started_at_idx')
    .on('identifai.sync_runs')
    .column('started_at')
    .execute()

  await commentOn(
    db,
    'identifai.sync_runs',
    'One row per pass of the job: what it asked, what came of it, and the ledger as it was when it ended.',
    {
      run_id: 'Names the pass; ledger rows, revisions and quarantined payloads refer to it.',
      trigger:
        'What started it: manual (sync), schedule (nightly), fresh (the small pass every minute) or demo.',
      status:
        'running, succeeded, partial (something was quarantined or given back), failed (the pass gave up) or interrupted.',
      started_at: 'Database clock when the pass began.',
      heartbeat_at: 'Database clock of its last sign of life.',
      finished_at: 'Database clock when it ended; null while it runs.',
      host: 'Name of the machine it ran on.',
      pid: 'Process id on that machine.',
      version: 'Version of identifai-sync.',
      error: 'Why it failed, was interrupted, or lost some of its requests; null otherwise.',
      ...COUNTERS,
      ...SEALED_COUNTS,
      confirmed_since: 'Oldest last_confirmed_at among finished identifiers when the run ended.',
      unfinished_enqueued_since:
        'Oldest enqueued_at among pending, missing and quarantined identifiers when the run ended; null when there are none.',
      reanalyzing_count:
        'Of the done and errored ones, those whose analysis was running again when the run ended: what was forced meanwhile is seen when it ends.',
      retired_reasons:
        'Why identifiers were retired, when the run ended: a list of {reason, identifiers}, the most frequent first, at most 20; all others as one entry whose reason is null.',
      unsealed_runs:
        'Other runs, under way when this one ended, that had changed contents already: what they saw is sealed with them, later in the chain.',
      first_http_date: 'Date header of the first answer: the only clock in a run that is not ours.',
      last_http_date: 'Date header of the last answer.',
      chain_position: 'Position of the run in the chain, from 1; null until it is sealed.',
      merkle_root: 'Root (hex) of the RFC 9162 Merkle tree over its revisions and new notes.',
      chain_head: 'SHA-256 (hex) over the former head, merkle_root and this row as sealed.',
      notes_through: 'Highest note_id of override_notes that this run sealed.',
    },
  )
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('identifai.sync_runs').execute()
}
