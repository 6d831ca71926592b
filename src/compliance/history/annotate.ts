import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { Row } from '../../platform/postgres/table.ts'
import type { OVERRIDE_NOTES } from '../../platform/postgres/tables/history.ts'
import { UsageError } from '../../platform/errors.ts'
import { groupDecisions } from '../report/decisions.ts'
import { readEvents } from '../report/read/read-events.ts'

/** A note on an override of a file; `forced_to` is `none` when the force was removed. */
export type NewNote = Omit<Row<typeof OVERRIDE_NOTES>, 'note_id' | 'noted_at'>

/**
 * Adds a note on who overrode a file, and why. A note cannot be changed later, only followed by another. Waits for a run
 * that is being sealed. The keys of the result are those of the JSON output.
 *
 * @param options.allowsUnknown Also for a file that is not tracked, or was never forced to this label.
 * @throws UsageError when the hash is an identifier, or no hash at all, or the file was never forced to this label. A note
 * stays forever.
 */
export async function annotate(
  db: Kysely<Database>,
  note: NewNote,
  { allowsUnknown = false }: { readonly allowsUnknown?: boolean } = {},
) {
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
  const decision = await readLatestDecision(db, note)
  if (decision === null && !allowsUnknown) await refuseUnforced(db, note, file.tracked)
  const { note_id } = await db
    .insertInto('identifai.override_notes')
    .values(note)
    .returning('note_id')
    .executeTakeFirstOrThrow()
  /** The decision that the note explains in a report of the runs so far; null for none. */
  return { note_id, file_hash, forced_to, ...file, explains: decision }
}

/** The latest decision on the file and label of a note, as a report of all sealed runs has it. */
async function readLatestDecision(db: Kysely<Database>, { media, file_hash, forced_to }: NewNote) {
  const events = await readEvents(db, { media, position: LAST_POSITION })
  const label = forced_to === 'none' ? null : forced_to
  const own = events.filter((event) => event.file_hash === file_hash && event.forced_to === label)
  const latest = groupDecisions(own).at(-1)
  if (latest === undefined) return null
  const { not_before, not_after } = latest
  return { not_before, not_after, identifiers: latest.events.length }
}

/** Every position of the chain is at most this one. */
const LAST_POSITION = 2 ** 31 - 1

/** Throws unless the file has this label now, because a label that was already forced at first is no decision. */
async function refuseUnforced(
  db: Kysely<Database>,
  { media, file_hash, forced_to }: NewNote,
  tracked: number,
): Promise<void> {
  if (tracked === 0) {
    throw new UsageError(
      `No tracked identifier has the file hash ${file_hash}, so no note was written.`,
      'Correct the hash. If the file will be tracked later, add --unknown.',
    )
  }
  const known = await db
    .selectFrom('identifai.classification_revisions')
    .select('classification_id')
    .where('media', '=', media)
    .where('file_hash', '=', file_hash)
    .where('force_classification', '=', forced_to)
    .executeTakeFirst()
  if (known) return
  throw new UsageError(
    forced_to === 'none'
      ? 'No forced label of this file was ever removed, so no note was written.'
      : `This file was never forced to ${forced_to}, so no note was written.`,
    'Correct --forced-to. If the next run will observe the change, wait for it, or add --unknown.',
  )
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
