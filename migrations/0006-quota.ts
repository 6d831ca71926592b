import { type Kysely, sql } from 'kysely'
import { commentOn } from './comment-on.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.api_quota')
    .addColumn('key_fingerprint', 'text', (c) => c.notNull())
    .addColumn('next_slot_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('paused_until', 'timestamptz')
    .addColumn('last_accepted_at', 'timestamptz')
    .addPrimaryKeyConstraint('api_quota_pkey', ['key_fingerprint'])
    .execute()
  await commentOn(
    db,
    'identifai.api_quota',
    'Shared pacing: every process that uses one API key takes its request slots from one row.',
    {
      key_fingerprint: 'Start of the SHA-256 of the API key; never the key.',
      next_slot_at: 'Database clock time at which the next request may leave.',
      paused_until: 'Until when the API has told us to wait (429); null when it never has.',
      last_accepted_at: 'When the API last accepted a request with this key.',
    },
  )
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('identifai.api_quota').execute()
}
