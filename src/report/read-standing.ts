import { type Kysely, sql } from 'kysely'
import type { Database } from '../db/database.ts'
import type { MachineToForced } from './report.ts'
import { visibleRevisions } from './visible-revisions.ts'

/** How many identifiers share their latest answer's state, label of the machine and force. */
export type StandingRow = MachineToForced<'identifiers'> & {
  /** Whether an analysis was running again, after a finished one. */
  readonly is_reanalysing: boolean
}

/** The latest finished answer of every identifier at a position of the chain, counted. */
export async function readStanding(db: Kysely<Database>, position: number): Promise<StandingRow[]> {
  return latestOf(db, position)
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('identifai.classification_revisions as f')
          .select(['f.machine_classification', 'f.force_classification'])
          // Only where the latest one is not finished itself: those are few.
          .where('latest.status', '=', 'new')
          .whereRef('f.classification_id', '=', 'latest.classification_id')
          .whereRef('f.revision_no', '<', 'latest.revision_no')
          .where('f.status', '<>', 'new')
          .orderBy('f.revision_no', 'desc')
          .limit(1)
          .select(sql<boolean>`true`.as('is_there'))
          .as('former'),
      (join) => join.onTrue(),
    )
    .where((eb) => eb.or([eb('latest.status', '<>', 'new'), eb('former.is_there', 'is not', null)]))
    .select(({ fn }) => [
      sql<boolean>`former.is_there is not null`.as('is_reanalysing'),
      sql<string | null>`case when former.is_there then former.machine_classification
        else latest.machine_classification end`.as('machine'),
      sql<string | null>`case when former.is_there then former.force_classification
        else latest.force_classification end`.as('forced_to'),
      fn.countAll<number>().as('identifiers'),
    ])
    .groupBy([sql`1`, sql`2`, sql`3`])
    .execute()
}

/** How many identifiers have each of these file hashes at a position of the chain. */
export async function readTracked(
  db: Kysely<Database>,
  position: number,
  hashes: readonly string[],
): Promise<Map<string, number>> {
  if (hashes.length === 0) return new Map()
  const rows = await latestOf(db, position)
    .innerJoin(sql<{ file_hash: string }>`unnest(${hashes}::text[])`.as<'h'>(sql`h(file_hash)`), (join) =>
      join.onRef('h.file_hash', '=', sql.ref('latest.file_hash')),
    )
    .select(({ fn }) => [sql<string>`h.file_hash`.as('file_hash'), fn.countAll<number>().as('identifiers')])
    .groupBy(sql`h.file_hash`)
    .execute()
  return new Map(rows.map(({ file_hash, identifiers }) => [file_hash, identifiers]))
}

/** The latest revision of each classification at a position of the chain. */
function latestOf(db: Kysely<Database>, position: number) {
  return db.selectFrom(
    visibleRevisions(db, position)
      .distinctOn('r.classification_id')
      .select([
        'r.classification_id',
        'r.revision_no',
        'r.status',
        'r.file_hash',
        'r.machine_classification',
        'r.force_classification',
      ])
      // As the primary key has it, backwards.
      .orderBy('r.classification_id', 'desc')
      .orderBy('r.revision_no', 'desc')
      .as('latest'),
  )
}
