import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

/**
 * Lets identifiers whose asks were lost share their next request with fewer others: half as many with every loss, so
 * that the one that is the reason stands alone after seven. Skips what is being asked again already.
 */
export async function limitRequests(
  db: Kysely<Database>,
  options: { readonly ids: readonly number[]; readonly batchSize: number },
): Promise<void> {
  await db
    .with('lost', (cte) =>
      cte
        .selectFrom('identifai.identifiers')
        .select('id')
        .where(sql<boolean>`id = any(${options.ids}::bigint[])`)
        .where('attempts', '>', 0)
        .where('leased_by', 'is', null)
        .orderBy('id')
        .forUpdate(),
    )
    .updateTable('identifai.identifiers as i')
    .from('lost')
    .whereRef('i.id', '=', 'lost.id')
    .set({
      // A shift by 32 or more would start over.
      request_limit: sql<number>`greatest(1, ${options.batchSize}::integer >> least(i.attempts, 30))`,
    })
    .execute()
}
