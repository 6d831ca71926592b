import { type Kysely, sql } from 'kysely'
import type { Logger } from 'pino'
import type { Database } from '../../platform/postgres/database.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'

/** Rows in one transaction: a fleet at once would keep every worker waiting for its locks. */
const ROWS_AT_ONCE = 5000

/** Makes every finished identifier due, the one confirmed longest ago first; stops in between when told to. */
export async function makeFinishedDue(
  db: Kysely<Database>,
  {
    media,
    logger,
    signal,
  }: { readonly media: string; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  for (let after = 0; !signal.aborted; ) {
    const ids = await retryDatabase(() => makeNextDue(db, media, after), logger)
    if (ids.length === 0) return
    after = ids.reduce((greatest, id) => Math.max(greatest, id), after)
  }
}

/** The ids of those made due. Rows that are being written are passed over: they are being asked anyway. */
async function makeNextDue(db: Kysely<Database>, media: string, after: number): Promise<number[]> {
  const rows = await db
    .with('finished', (cte) =>
      cte
        .selectFrom('identifai.identifiers')
        .select('id')
        .where('media', '=', media)
        .where('state', 'in', ['done', 'errored'])
        .where('id', '>', after)
        .orderBy('id')
        .limit(ROWS_AT_ONCE)
        .forUpdate()
        .skipLocked(),
    )
    .updateTable('identifai.identifiers as i')
    .from('finished')
    .whereRef('i.id', '=', 'finished.id')
    .set({ due_at: sql<Date>`coalesce(i.last_confirmed_at, now())` })
    .returning('i.id')
    .execute()
  return rows.map(({ id }) => id)
}
