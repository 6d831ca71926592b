import { type Kysely, sql } from 'kysely'
import { commentOn } from './comment-on.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createQuarantine(db)
  await createDrift(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('identifai.schema_drift').execute()
  await db.schema.dropTable('identifai.quarantined_payloads').execute()
}

async function createQuarantine(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.quarantined_payloads')
    .addColumn('quarantine_id', 'bigint', (c) => c.generatedAlwaysAsIdentity())
    .addColumn('media', 'text', (c) => c.notNull().defaultTo('audio'))
    .addColumn('identifier', 'text', (c) => c.notNull())
    .addColumn('run_id', 'uuid', (c) => c.notNull())
    .addColumn('requested_at', 'timestamptz', (c) => c.notNull())
    .addColumn('received_at', 'timestamptz', (c) => c.notNull())
    .addColumn('quarantined_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('issues', 'jsonb', (c) => c.notNull())
    .addColumn('http_status', 'integer')
    .addColumn('payload', 'text')
    .addColumn('resolved_at', 'timestamptz')
    .addPrimaryKeyConstraint('quarantined_payloads_pkey', ['quarantine_id'])
    .addCheckConstraint(
      'quarantined_payloads_reason_known',
      sql`reason in ('invalid_payload', 'unstorable', 'refused_by_api')`,
    )
    .execute()
  await db.schema
    .createIndex('quarantined_payloads_open_idx')
    .on('identifai.quarantined_payloads')
    .columns(['media', 'identifier'])
    .where('resolved_at' as never, 'is', null)
    .execute()
  await commentOn(
    db,
    'identifai.quarantined_payloads',
    'Records that could not be loaded, kept as evidence: one row each time an identifier is quarantined.',
    {
      quarantine_id: 'Our key.',
      media: 'Kind of medium.',
      identifier: 'The identifier it was the answer for.',
      run_id: 'The run that received it.',
      requested_at: 'Database clock before the request left that brought it.',
      received_at: 'Database clock after it had been received.',
      quarantined_at:
        'When it was set aside: with the first write after the circuit breaker had let it pass.',
      reason:
        'invalid_payload (does not fit the contract), unstorable (holds what PostgreSQL cannot store) or refused_by_api.',
      issues: 'What is wrong: a list of {path, message}, path being a JSON Pointer into the record.',
      http_status: 'Status of the refusal; null when the record came with a 200.',
      payload: "The record as it came, as JSON text; or the API's answer, cut short.",
      resolved_at: 'When the identifier was finished after all; null while it is not.',
    },
  )
}

async function createDrift(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.schema_drift')
    .addColumn('media', 'text', (c) => c.notNull().defaultTo('audio'))
    .addColumn('path', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('first_seen_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('last_seen_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('occurrences', 'bigint', (c) => c.notNull().defaultTo(1))
    .addColumn('sample', 'text')
    .addPrimaryKeyConstraint('schema_drift_pkey', ['media', 'path', 'kind'])
    .addCheckConstraint(
      'schema_drift_kind_known',
      sql`kind in ('unknown_field', 'unknown_value', 'moved_field')`,
    )
    .execute()
  await commentOn(
    db,
    'identifai.schema_drift',
    'Where the API has moved away from the contract without breaking it: nothing was lost, somebody should look.',
    {
      media: 'Kind of medium.',
      path: 'JSON Pointer of the field, list positions replaced by *.',
      kind: 'unknown_field, unknown_value (of a label or of errors) or moved_field (clips elsewhere than documented).',
      first_seen_at: 'When it was first seen.',
      last_seen_at: 'When it was last seen in changed content.',
      occurrences: 'In how many changed contents it was seen.',
      sample: 'One value, as JSON, cut short.',
    },
  )
}
