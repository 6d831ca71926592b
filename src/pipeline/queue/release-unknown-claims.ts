import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

/**
 * Ends the leases of a run on rows that it does not know of: a claim took effect, and its answer was lost. Without this
 * they would be nobody's until the leases run out.
 */
export async function releaseUnknownClaims(
  db: Kysely<Database>,
  { runId, known }: { readonly runId: string; readonly known: readonly number[] },
): Promise<void> {
  await db
    .with('unknown', (cte) =>
      cte
        .selectFrom('identifai.identifiers')
        .select('id')
        .where('leased_by', '=', runId)
        .where(sql<boolean>`id <> all(${known}::bigint[])`)
        .orderBy('id')
        .forUpdate(),
    )
    .updateTable('identifai.identifiers as i')
    .from('unknown')
    .whereRef('i.id', '=', 'unknown.id')
    .set({ lease_until: null, leased_by: null })
    .execute()
}
