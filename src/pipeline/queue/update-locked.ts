import { type Kysely, type SelectQueryBuilder, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

type Chosen = SelectQueryBuilder<Database, 'identifai.identifiers', { id: number }>

/**
 * Updates tracked identifiers, named `i`. The chosen rows are locked first, in the order of their ids. Every transaction
 * locks in this order, so that no two deadlock.
 */
export function updateLocked(db: Kysely<Database>, choose: (identifiers: Chosen) => Chosen) {
  return db
    .with('chosen', (cte) =>
      choose(cte.selectFrom('identifai.identifiers').select('id').orderBy('id').forUpdate()),
    )
    .updateTable('identifai.identifiers as i')
    .from('chosen')
    .whereRef('i.id', '=', 'chosen.id')
}

/**
 * The time of the change for `changed_at`, in an update by `updateLocked`. Counting the chosen rows locks all of them before
 * the clock, so that this transaction and a load do not wait for each other.
 */
export const CHANGE_TIME = sql<Date>`(
  select identifai.next_change() from (select count(*) from chosen) as locked)`
