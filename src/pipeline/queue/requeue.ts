import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { IdentifierState } from '../../platform/postgres/tables/identifiers.ts'
import { PRIORITY } from './priority.ts'

/** Which rows: those named, or all of one state. */
export type Requeued =
  | { readonly identifiers: readonly string[] }
  | { readonly state: Extract<IdentifierState, 'quarantined' | 'missing'> }

/**
 * Makes identifiers due now; quarantined ones are pending again, with a clean slate. One that is leased at this moment
 * is asked again after it is finished. Retired ones stay retired. Returns the identifiers that are due now.
 */
export async function requeue(db: Kysely<Database>, media: string, which: Requeued): Promise<string[]> {
  const rows = await db
    .with('chosen', (cte) =>
      cte
        .selectFrom('identifai.identifiers')
        .select('id')
        .where('media', '=', media)
        .where('state', '<>', 'retired')
        .$if('state' in which, (query) =>
          query.where('state', '=', (which as { state: IdentifierState }).state),
        )
        .$if('identifiers' in which, (query) =>
          query.where(
            sql<boolean>`identifier = any(${(which as { identifiers: string[] }).identifiers}::text[])`,
          ),
        )
        .orderBy('id')
        .forUpdate(),
    )
    .updateTable('identifai.identifiers as i')
    .from('chosen')
    .whereRef('i.id', '=', 'chosen.id')
    .set({
      state: sql<IdentifierState>`case when i.state = 'quarantined' then 'pending' else i.state end`,
      absences: sql<number>`case when i.state = 'quarantined' then 0 else i.absences end`,
      due_at: sql<Date>`clock_timestamp()`,
      refresh_requested_at: sql<Date>`clock_timestamp()`,
      priority: PRIORITY.refreshRequested,
    })
    .returning('i.identifier')
    .execute()
  return rows.map((row) => row.identifier)
}
