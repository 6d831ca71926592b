import type { Kysely } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'

/** Adds a note on a file, as the organization would. */
export async function addNote(db: Kysely<Database>, fileHash: string): Promise<void> {
  const note = { file_hash: fileHash, forced_to: 'human', author: 'A', reason: 'heard it' }
  await db
    .insertInto('identifai.override_notes')
    .values({ ...note, ticket: null, reviewer: null })
    .execute()
}
