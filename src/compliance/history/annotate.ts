import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { UsageError } from '../../platform/errors.ts'

/** A note on an override of a file. */
export interface NewNote {
  readonly media: string
  readonly fileHash: string
  /** `none`: the force was removed. */
  readonly forcedTo: 'human' | 'artificial' | 'none'
  readonly author: string
  readonly reason: string
  readonly ticket: string | null
  readonly reviewer: string | null
}

/** A note that was written. The keys are those of the JSON output. */
export interface Annotated {
  readonly note_id: number
  readonly file_hash: string
  readonly forced_to: string
  /** Tracked identifiers of the file. */
  readonly tracked: number
  /** Those of them whose forced label is that of the note at this moment. */
  readonly matching: number
}

/**
 * Adds a note on who overrode a file, and why. A note cannot be changed later, only followed by another. Waits for a run
 * that is being sealed.
 *
 * @throws UsageError when the hash is an identifier, because an override is of a file.
 */
export async function annotate(db: Kysely<Database>, note: NewNote): Promise<Annotated> {
  const file = await readFile(db, note)
  if (file.tracked === 0) await refuseIdentifier(db, note)
  const { note_id } = await db
    .insertInto('identifai.override_notes')
    .values({
      media: note.media,
      file_hash: note.fileHash,
      forced_to: note.forcedTo,
      author: note.author,
      reason: note.reason,
      ticket: note.ticket,
      reviewer: note.reviewer,
    })
    .returning('note_id')
    .executeTakeFirstOrThrow()
  return { note_id, file_hash: note.fileHash, forced_to: note.forcedTo, ...file }
}

async function readFile(db: Kysely<Database>, { media, fileHash, forcedTo }: NewNote) {
  return db
    .selectFrom('identifai.classifications')
    .select(({ fn }) => [
      fn.countAll<number>().as('tracked'),
      sql<number>`count(*) filter (where coalesce(force_classification, 'none') = ${forcedTo})`.as(
        'matching',
      ),
    ])
    .where('media', '=', media)
    .where('file_hash', '=', fileHash)
    .executeTakeFirstOrThrow()
}

async function refuseIdentifier(db: Kysely<Database>, { media, fileHash }: NewNote): Promise<void> {
  const known = await db
    .selectFrom('identifai.identifiers as i')
    .leftJoin('identifai.classifications as c', 'c.classification_id', 'i.id')
    .select('c.file_hash')
    .where('i.media', '=', media)
    .where('i.identifier', '=', fileHash)
    .executeTakeFirst()
  if (!known) return
  const hash = known.file_hash === null ? 'not known yet' : known.file_hash
  throw new UsageError(
    `${fileHash} is an identifier, and an override is of a file: give the file's hash with --hash (it is ${hash}).`,
  )
}
