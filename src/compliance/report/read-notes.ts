import type { Kysely } from 'kysely'
import { notesBetween } from '../../pipeline/seal/read-rows.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { Note } from './report.ts'

/** The notes on files of one medium that were sealed up to one of them, by note_id. */
export async function readNotes(db: Kysely<Database>, media: string, through: number): Promise<Note[]> {
  const notes = await notesBetween(db, Number.MIN_SAFE_INTEGER, through)
  return notes
    .filter((note) => note.media === media)
    .map((note) => {
      const { note_id, noted_at, file_hash, forced_to, author, reason, ticket, reviewer } =
        note as unknown as Note
      return {
        note_id,
        noted_at,
        file_hash,
        forced_to,
        author,
        reason,
        ticket: ticket ?? null,
        reviewer: reviewer ?? null,
      }
    })
}
