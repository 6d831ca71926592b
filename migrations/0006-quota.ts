import { type Kysely, sql } from 'kysely'
import { commentOnTable } from './with-comments.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createQuota(db)
  await createSizeLimits(db)
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('identifai.api_size_limits').execute()
  await db.schema.dropTable('identifai.api_quota').execute()
}

async function createQuota(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.api_quota')
    .addColumn('key_fingerprint', 'text', (c) => c.notNull())
    .addColumn('next_slot_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('paused_until', 'timestamptz')
    .addColumn('throttled_at', 'timestamptz')
    .addColumn('slowdown', 'double precision', (c) => c.notNull().defaultTo(1))
    .addColumn('last_accepted_at', 'timestamptz')
    .addPrimaryKeyConstraint('api_quota_pkey', ['key_fingerprint'])
    .addCheckConstraint('api_quota_slowdown_from_1', sql`slowdown >= 1`)
    .execute()
  await commentOnTable(
    db,
    'identifai.api_quota',
    'Shared quota: all processes that use one API key take their request slots from one row.',
    {
      key_fingerprint: 'Beginning of the SHA-256 of the API key; never the key itself.',
      next_slot_at: 'Database clock at which the next request can be sent.',
      paused_until: 'End of the pause that the API last required (429). Null when it never did.',
      throttled_at: 'Time of the last 429. Null when there was none.',
      slowdown:
        'Requests are slower than configured by this factor, from 1. It counts for an hour after throttled_at.',
      last_accepted_at: 'Time at which the API last accepted a request with this key.',
    },
  )
}

async function createSizeLimits(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.api_size_limits')
    .addColumn('api_url', 'text', (c) => c.notNull())
    .addColumn('max_url_bytes', 'integer', (c) => c.notNull())
    .addColumn('learned_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addPrimaryKeyConstraint('api_size_limits_pkey', ['api_url'])
    .execute()
  await commentOnTable(
    db,
    'identifai.api_size_limits',
    'The lengths of requests that APIs accept, learned from their refusals (413 or 414): one row per address.',
    {
      api_url: 'Base address of the API.',
      max_url_bytes: 'Longest path with its query, in bytes, that a run sends.',
      learned_at: 'Time of the last refusal. The limit is forgotten a week later.',
    },
  )
}
