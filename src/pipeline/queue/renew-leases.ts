import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

/**
 * Extends the leases that a run still holds on these rows. A row that somebody has locked is passed over: it is
 * being finished or woken right now, and waiting for it here, outside the id order, could deadlock.
 */
export async function renewLeases(
  db: Kysely<Database>,
  options: { readonly runId: string; readonly ids: readonly number[]; readonly leaseSeconds: number },
): Promise<void> {
  await db
    .with('mine', (cte) =>
      cte
        .selectFrom('identifai.identifiers')
        .select('id')
        // One array parameter, however many ids.
        .where(sql<boolean>`id = any(${options.ids}::bigint[])`)
        .where('leased_by', '=', options.runId)
        .orderBy('id')
        .forUpdate()
        .skipLocked(),
    )
    .updateTable('identifai.identifiers')
    .set({ lease_until: sql`now() + make_interval(secs => ${options.leaseSeconds})` })
    .where('id', 'in', (query) => query.selectFrom('mine').select('id'))
    .execute()
}
