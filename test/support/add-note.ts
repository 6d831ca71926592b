import type { Kysely } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'

/** Adds a note on the override of a file. */
export async function addNote(db: Kysely<Database>, fileHash: string): Promise<void> {
  const note = { file_hash: fileHash, forced_to: 'human', author: 'A', reason: 'heard it' }
  await db
    .insertInto('identifai.override_notes')
    .values({ ...note, ticket: null, reviewer: null })
    .execute()
}
