import { type Kysely, sql } from 'kysely'
import type { Database } from '../db/database.ts'

/**
 * Makes every settled identifier due, the one confirmed longest ago first. Rows that are being written at this
 * moment are passed over: they are being asked anyway.
 */
export async function makeSettledDue(db: Kysely<Database>, media: string): Promise<void> {
  await db
    .with('settled', (cte) =>
      cte
        .selectFrom('identifai.identifiers')
        .select('id')
        .where('media', '=', media)
        .where('state', 'in', ['done', 'errored'])
        .orderBy('id')
        .forUpdate()
        .skipLocked(),
    )
    .updateTable('identifai.identifiers as i')
    .from('settled')
    .whereRef('i.id', '=', 'settled.id')
    .set({ due_at: sql<Date>`coalesce(i.last_confirmed_at, now())` })
    .execute()
}
