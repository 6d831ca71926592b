import { type Kysely, sql } from 'kysely'
import type { DatabaseTime } from '../../../platform/time.ts'
import { utcText } from '../../../platform/postgres/clock.ts'
import type { Database } from '../../../platform/postgres/database.ts'
import { latestVisible, type Scope, visibleRevisions } from '../../../pipeline/seal/visible-revisions.ts'
import type { ForceChange } from '../schema.ts'

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
  const rows = await latestVisible(db, scope)
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
