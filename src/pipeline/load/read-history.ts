import { type Kysely, sql } from 'kysely'
import type { JsonObject } from '../../platform/json.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { DatabaseTime } from '../../platform/time.ts'

export type LatestRevision = MapValue<typeof readLatestRevisions>

export type StoredContent = MapValue<typeof readLatestContents>

type MapValue<Read extends (...args: never[]) => Promise<Map<number, unknown>>> =
  Awaited<ReturnType<Read>> extends Map<number, infer Value> ? Value : never

/** The latest revision of each of these classifications, by classification_id; none for those without a record. */
export async function readLatestRevisions(db: Kysely<Database>, ids: readonly number[]) {
  const rows = await revisionsWithParts(db)
    .distinctOn('r.classification_id')
    .select([
      'r.classification_id',
      'r.revision_no',
      'r.status',
      'v.content_digest',
      'v.digest_version',
      sql<boolean>`'disappeared' = any(r.causes)`.as('disappeared'),
      utcText(sql`r.previous_confirmed_at`).$castTo<DatabaseTime | null>().as('previous_confirmed_at'),
    ])
    .where(sql<boolean>`r.classification_id = any(${ids}::bigint[])`)
    .orderBy('r.classification_id')
    .orderBy('r.revision_no', 'desc')
    .execute()
  return new Map(rows.map((row) => [row.classification_id, row]))
}

/**
 * The latest content of each of these classifications, or the latest finished one. A `disappeared` revision has no content
 * of its own: it repeats the one before. The payload is null when it was pruned.
 */
export async function readLatestContents(
  db: Kysely<Database>,
  ids: readonly number[],
  which: 'latest' | 'finished',
) {
  const contents = revisionsWithParts(db)
    .distinctOn('r.classification_id')
    .select(['r.classification_id', 'r.revision_no', 'r.status', 'r.force_classification', 'p.payload'])
    .where(sql<boolean>`r.classification_id = any(${ids}::bigint[])`)
    .where(sql<boolean>`not 'disappeared' = any(r.causes)`)
    .$if(which === 'finished', (query) => query.where('r.status', '<>', 'new'))
    .orderBy('r.classification_id')
    .orderBy('r.revision_no', 'desc')
  const rows = ids.length === 0 ? [] : await contents.execute()
  return new Map(
    rows.map((row) => [row.classification_id, { ...row, payload: row.payload as JsonObject | null }]),
  )
}

/** Revisions (`r`), each with its personal values (`v`) and its payload (`p`) where these are stored. */
export function revisionsWithParts(db: Kysely<Database>) {
  return db
    .selectFrom('identifai.classification_revisions as r')
    .leftJoin('identifai.personal_values as v', (join) =>
      join
        .onRef('v.classification_id', '=', 'r.classification_id')
        .onRef('v.revision_no', '=', 'r.revision_no'),
    )
    .leftJoin('identifai.revision_payloads as p', (join) =>
      join
        .onRef('p.classification_id', '=', 'r.classification_id')
        .onRef('p.revision_no', '=', 'r.revision_no'),
    )
}
