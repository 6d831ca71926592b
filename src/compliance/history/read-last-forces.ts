import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { FORCE_CAUSES } from '../../platform/postgres/tables/history.ts'

/** Reads the last observed changes of forced labels, the latest first, each with the forced label before. */
export async function readLastForces(db: Kysely<Database>, limit: number) {
  const changes = await db
    .selectFrom('identifai.classification_revisions')
    .select([
      'classification_id',
      'revision_no',
      'identifier',
      'force_classification',
      'machine_classification',
    ])
    .select(['previous_confirmed_at as not_before', 'observed_at as not_after'])
    // The index is for the first condition.
    .where(sql<boolean>`causes && array['forced', 'force_changed', 'unforced', 'already_forced']`)
    .where(sql<boolean>`causes && ${FORCE_CAUSES}::text[]`)
    .orderBy('observed_at', 'desc')
    .orderBy('classification_id')
    .limit(limit)
    .execute()
  const ids = changes.map(({ classification_id }) => classification_id)
  const finished = await db
    .selectFrom('identifai.classification_revisions')
    .select(['classification_id', 'revision_no', 'force_classification'])
    .where(sql<boolean>`classification_id = any(${ids}::bigint[])`)
    .where('status', '<>', 'new')
    .orderBy('revision_no')
    .execute()
  const names = await db
    .selectFrom('identifai.personal_values')
    .select(['classification_id', 'revision_no', 'name', 'ref_id'])
    .where(sql<boolean>`classification_id = any(${ids}::bigint[])`)
    .execute()
  return changes.map(({ classification_id: id, revision_no: number, ...change }) => {
    const former = finished.findLast((one) => one.classification_id === id && one.revision_no < number)
    const own = names.find((one) => one.classification_id === id && one.revision_no === number)
    return {
      ...change,
      forced_from: former?.force_classification ?? null,
      forced_to: change.force_classification,
      name: own?.name ?? null,
      ref_id: own?.ref_id ?? null,
    }
  })
}
