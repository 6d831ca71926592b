import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { Row } from '../../platform/postgres/table.ts'
import type { OVERRIDE_NOTES } from '../../platform/postgres/tables/history.ts'
import { UsageError } from '../../platform/errors.ts'

/** A note on an override of a file; `forced_to` is `none` when the force was removed. */
export type NewNote = Omit<Row<typeof OVERRIDE_NOTES>, 'note_id' | 'noted_at'>

/**
 * Adds a note on who overrode a file, and why. A note cannot be changed later, only followed by another. Waits for a run
 * that is being sealed. The keys of the result are those of the JSON output.
 *
 * @throws UsageError when the hash is an identifier, or no hash at all, because a note stays forever.
 */
export async function annotate(db: Kysely<Database>, note: NewNote) {
  const { file_hash, forced_to } = note
  const file = await db
    .selectFrom('identifai.classifications')
    .select(({ fn }) => [
      fn.countAll<number>().as('tracked'),
      // Identifiers whose forced label is that of the note at this moment.
      sql<number>`count(*) filter (where coalesce(force_classification, 'none') = ${forced_to})`.as(
        'matching',
      ),
    ])
    .where('media', '=', note.media)
    .where('file_hash', '=', file_hash)
    .executeTakeFirstOrThrow()
  if (file.tracked === 0) {
    await refuseIdentifier(db, note)
    refuseOtherThanHash(file_hash)
  }
  const { note_id } = await db
    .insertInto('identifai.override_notes')
    .values(note)
    .returning('note_id')
    .executeTakeFirstOrThrow()
  return { note_id, file_hash, forced_to, ...file }
}

function refuseOtherThanHash(text: string): void {
  if (/^[0-9a-f]{64}$/.test(text)) return
  throw new UsageError(
    `${text} is neither the hash of a tracked file nor a SHA-256 (64 hexadecimal digits).`,
    'Give the complete hash. Reports in HTML and JSON have it.',
  )
}

async function refuseIdentifier(db: Kysely<Database>, { media, file_hash }: NewNote): Promise<void> {
  const known = await db
    .selectFrom('identifai.identifiers as i')
    .leftJoin('identifai.classifications as c', 'c.classification_id', 'i.id')
    .select('c.file_hash')
    .where('i.media', '=', media)
    .where('i.identifier', '=', file_hash)
    .executeTakeFirst()
  if (!known) return
  throw new UsageError(
    `${file_hash} is an identifier, but an override applies to a file.`,
    `Give the hash of the file with --hash: ${known.file_hash ?? 'it is not known yet'}.`,
  )
}
