import { type Kysely, sql } from 'kysely'
import type { LabelCount } from '../../pipeline/seal/forced-now.ts'
import type { SealedRunRow } from '../../pipeline/seal/read-rows.ts'
import { latestVisible } from '../../pipeline/seal/visible-revisions.ts'
import { canonicalJson } from '../../platform/canonical-json.ts'
import type { Json } from '../../platform/json.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { type Finding, finding } from './findings.ts'

/** Counts the labels over all identifiers again, and compares them with those that a run was sealed with. */
export async function verifyForcedNow(
  db: Kysely<Database>,
  { chain_position: position, row }: SealedRunRow,
): Promise<Finding[]> {
  const counted = await countLabels(db, position)
  if (textOf(counted) === textOf(row.forced_now)) return []
  const problem = 'has other counts of forced labels (forced_now) than the revisions up to it give'
  return [finding(`run ${row.run_id}`, problem, position)]
}

/** Counts identifiers by the labels of their latest finished record, at a position of the chain. */
async function countLabels(db: Kysely<Database>, position: number): Promise<LabelCount[]> {
  return latestVisible(db, { position })
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('identifai.classification_revisions as f')
          .select(['f.machine_classification', 'f.force_classification', sql<boolean>`true`.as('is_present')])
          // Applies only where the latest revision is not finished itself: those are few.
          .where('latest.status', '=', 'new')
          .whereRef('f.classification_id', '=', 'latest.classification_id')
          .whereRef('f.revision_no', '<', 'latest.revision_no')
          .where('f.status', '<>', 'new')
          .orderBy('f.revision_no', 'desc')
          .limit(1)
          .as('former'),
      (join) => join.onTrue(),
    )
    .where((eb) => eb.or([eb('latest.status', '<>', 'new'), eb('former.is_present', 'is not', null)]))
    .select(({ fn }) => [
      'latest.media',
      sql<string | null>`case when former.is_present then former.machine_classification
        else latest.machine_classification end`.as('machine'),
      sql<string | null>`case when former.is_present then former.force_classification
        else latest.force_classification end`.as('forced_to'),
      fn.countAll<number>().as('identifiers'),
    ])
    .groupBy([sql`1`, sql`2`, sql`3`])
    .execute()
}

function textOf(counts: readonly LabelCount[] | Json | undefined): string {
  return Array.isArray(counts) ? (counts as Json[]).map(canonicalJson).toSorted().join('\n') : ''
}
