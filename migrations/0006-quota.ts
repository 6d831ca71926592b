import { type Kysely, sql } from 'kysely'
import { commentOnTable } from './with-comments.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.api_quota')
    .addColumn('key_fingerprint', 'text', (c) => c.notNull())
    .addColumn('next_slot_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addColumn('paused_until', 'timestamptz')
    .addColumn('last_accepted_at', 'timestamptz')
    .addPrimaryKeyConstraint('api_quota_pkey', ['key_fingerprint'])
    .execute()
  await commentOnTable(
    db,
    'identifai.api_quota',
    'Shared quota: all processes that use one API key take their request slots from one row.',
    {
      key_fingerprint: 'Beginning of the SHA-256 of the API key; never the key itself.',
      next_slot_at: 'Database clock at which the next request can be sent.',
      paused_until: 'End of the pause that the API last required (429). Null when it never did.',
      last_accepted_at: 'Time at which the API last accepted a request with this key.',
    },
  )
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('identifai.api_quota').execute()
}
