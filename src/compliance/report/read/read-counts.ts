import { type Kysely, sql } from 'kysely'
import type { DatabaseTime } from '../../../platform/time.ts'
import { utcText } from '../../../platform/postgres/clock.ts'
import type { Database } from '../../../platform/postgres/database.ts'
import type { ForceChange, ForcedNow } from '../schema.ts'
import { type Scope, visibleRevisions } from './read-events.ts'

/** Counts identifiers by the machine's label and the forced label of their latest finished record. */
export async function readForcedNow(
  db: Kysely<Database>,
  scope: Scope,
): Promise<ForcedNow['machine_to_forced']> {
  return latestOf(db, scope)
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
      sql<string | null>`case when former.is_present then former.machine_classification
        else latest.machine_classification end`.as('machine'),
      sql<string | null>`case when former.is_present then former.force_classification
        else latest.force_classification end`.as('forced_to'),
      fn.countAll<number>().as('identifiers'),
    ])
    .groupBy([sql`1`, sql`2`])
    .execute()
}

/** The time of the first response that a position of the chain has; null when it has none. */
export async function readObservedSince(db: Kysely<Database>, scope: Scope): Promise<DatabaseTime | null> {
  const first = await visibleRevisions(db, scope)
    .select(utcText(sql`r.observed_at`).as('observed_at'))
    .orderBy('r.observed_at')
    .limit(1)
    .executeTakeFirst()
  return first?.observed_at ?? null
}

/** Counts the identifiers that have the files of some events, at a position of the chain. */
export async function readTracked(db: Kysely<Database>, scope: Scope, events: readonly ForceChange[]) {
  const hashes = [...new Set(events.flatMap(({ file_hash }) => file_hash ?? []))]
  if (hashes.length === 0) return { counts: new Map<string, number>(), hashes: new Map<number, string>() }
  const own = [...new Set(events.map(({ classification_id }) => classification_id))]
  const rows = await latestOf(db, scope)
    .innerJoin(sql<{ file_hash: string }>`unnest(${hashes}::text[])`.as<'h'>(sql`h(file_hash)`), (join) =>
      join.onRef('h.file_hash', '=', sql.ref('latest.file_hash')),
    )
    .leftJoin(sql<{ id: number }>`unnest(${own}::bigint[])`.as<'own'>(sql`own(id)`), (join) =>
      join.onRef('own.id', '=', 'latest.classification_id'),
    )
    .select(({ fn }) => [
      sql<string>`h.file_hash`.as('file_hash'),
      fn.countAll<number>().as('identifiers'),
      sql<number[]>`coalesce(array_agg(own.id::float8) filter (where own.id is not null), '{}')`.as('own'),
    ])
    .groupBy(sql`h.file_hash`)
    .execute()
  return {
    /** Tracked identifiers by file hash. */
    counts: new Map(rows.map(({ file_hash, identifiers }) => [file_hash, identifiers])),
    /** The classifications of the events whose latest record has one of the hashes, each with that hash. */
    hashes: new Map(rows.flatMap(({ file_hash, own: ids }) => ids.map((id) => [id, file_hash] as const))),
  }
}

/** The latest revision of each classification at a position of the chain. */
function latestOf(db: Kysely<Database>, scope: Scope) {
  return db.selectFrom(
    visibleRevisions(db, scope)
      .distinctOn('r.classification_id')
      .select(['r.classification_id', 'r.revision_no', 'r.status', 'r.file_hash'])
      .select(['r.machine_classification', 'r.force_classification'])
      // The primary key backwards, so that its index gives the order.
      .orderBy('r.classification_id', 'desc')
      .orderBy('r.revision_no', 'desc')
      .as('latest'),
  )
}
