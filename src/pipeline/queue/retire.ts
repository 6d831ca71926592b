import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { updateLocked } from './update-locked.ts'

/**
 * Ends the tracking of identifiers, in any medium; their rows, contents and history stay. A lease ends with it, so that a
 * pending response does not bring an identifier back. Returns the identifiers that this call retired; an
 * identifier that was retired before keeps its reason.
 */
export async function retire(
  db: Kysely<Database>,
  options: { readonly identifiers: readonly string[]; readonly reason: string },
): Promise<string[]> {
  const rows = await updateLocked(db, (identifiers) =>
    identifiers
      .where('state', '<>', 'retired')
      .where(sql<boolean>`identifier = any(${options.identifiers}::text[])`),
  )
    .set({
      state: 'retired',
      retired_at: sql<Date>`now()`,
      retired_reason: options.reason,
      due_at: null,
      lease_until: null,
      leased_by: null,
    })
    .returning('i.identifier')
    .execute()
  return rows.map((row) => row.identifier)
}
