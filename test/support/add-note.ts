import type { Kysely } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'

/** Adds a note on the override of a file, or a correction of one. */
export async function addNote(
  db: Kysely<Database>,
  fileHash: string,
  given: {
    readonly corrects?: number
    readonly author?: string
    readonly reason?: string
    readonly media?: string
    readonly ticket?: string
    readonly reviewer?: string
  } = {},
): Promise<void> {
  const note = { forced_to: 'human', author: 'A', reason: 'heard it', corrects: null }
  await db
    .insertInto('identifai.override_notes')
    .values({ file_hash: fileHash, ...note, ticket: null, reviewer: null, ...given })
    .execute()
}
