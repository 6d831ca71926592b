import type { Kysely, SelectQueryBuilder } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

type Chosen = SelectQueryBuilder<Database, 'identifai.identifiers', { id: number }>

/**
 * An update of tracked identifiers, `i`, that first locks the chosen rows in the order of their ids, as every transaction
 * does, so that no two transactions deadlock.
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
