import type { Kysely } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'

/** Adds a note on the override of a file, or a correction of one. */
export async function addNote(
  db: Kysely<Database>,
  fileHash: string,
  { corrects, reason = 'heard it' }: { readonly corrects?: number; readonly reason?: string } = {},
): Promise<void> {
  const note = { file_hash: fileHash, forced_to: 'human', author: 'A', reason, corrects: corrects ?? null }
  await db
    .insertInto('identifai.override_notes')
    .values({ ...note, ticket: null, reviewer: null })
    .execute()
}
