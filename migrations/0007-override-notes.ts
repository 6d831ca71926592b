import { type Kysely, sql } from 'kysely'
import { commentOn } from './comment-on.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identifai.override_notes')
    .addColumn('note_id', 'bigint', (c) => c.generatedAlwaysAsIdentity())
    .addColumn('media', 'text', (c) => c.notNull().defaultTo('audio'))
    .addColumn('file_hash', 'text', (c) => c.notNull())
    .addColumn('forced_to', 'text', (c) => c.notNull())
    .addColumn('author', 'text', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('ticket', 'text')
    .addColumn('reviewer', 'text')
    .addColumn('noted_at', 'timestamptz', (c) => c.notNull().defaultTo(sql`now()`))
    .addPrimaryKeyConstraint('override_notes_pkey', ['note_id'])
    .addCheckConstraint('override_notes_forced_to_known', sql`forced_to in ('human', 'artificial', 'none')`)
    .addCheckConstraint(
      'override_notes_says_what_who_and_why',
      sql`file_hash ~ '\\S' and author ~ '\\S' and reason ~ '\\S'`,
    )
    .execute()
  await db.schema
    .createIndex('override_notes_file_hash_idx')
    .on('identifai.override_notes')
    .columns(['media', 'file_hash'])
    .execute()
  await sql`
    create trigger override_notes_append_only before update or delete or truncate
    on identifai.override_notes for each statement execute function identifai.refuse_history_change()`.execute(
    db,
  )
  await commentOn(
    db,
    'identifai.override_notes',
    'Append-only: who overrode the machine and why, as told by the organization itself. The API says neither.',
    {
      note_id: 'Our key, in the order of insertion.',
      media: 'Kind of medium.',
      file_hash: 'SHA-256 of the audio file that was overridden.',
      forced_to: 'The label it was forced to: human or artificial; none when a force was taken away.',
      author: 'Who decided.',
      reason: 'Why.',
      ticket: 'Reference to a case or ticket; null when none was given.',
      reviewer: 'Who reviewed the decision; null when nobody was named.',
      noted_at: 'When the note was written, by the database clock.',
    },
  )
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('identifai.override_notes').execute()
}
