import { type Kysely, sql } from 'kysely'
import { recordAction } from '../../pipeline/queue/record-action.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { RevisionRow } from '../../platform/postgres/tables/history.ts'

/** Payloads that one statement removes at most. */
const PAGE = 5000

/**
 * Removes the payloads of superseded revisions that were received before a time; never a revision. Works in steps, so that
 * others do not wait long for its locks; when it is stopped in the middle, the removed payloads stay removed.
 *
 * @returns How many were removed, or with `isDryRun` would be, and how many are still stored: the JSON output.
 */
export async function prunePayloads(
  db: Kysely<Database>,
  options: { readonly olderThanDays: number; readonly isDryRun: boolean; readonly signal: AbortSignal },
) {
  let removed = 0
  for (let [id, no] = [Number.MIN_SAFE_INTEGER, 0]; !options.signal.aborted; ) {
    const page = await supersededAfter(db, { id, no, days: options.olderThanDays }).execute()
    removed += options.isDryRun ? page.length : await remove(db, page, options.olderThanDays)
    const last = page.at(-1)
    if (!last) break
    ;[id, no] = [last.classification_id, last.revision_no]
  }
  const { stored } = await db
    .selectFrom('identifai.revision_payloads')
    .select(({ fn }) => fn.countAll<number>().as('stored'))
    .executeTakeFirstOrThrow()
  return { removed, stored }
}

/**
 * Condition of a superseded revision `r`, whose payload can be removed. Later responses are compared with the latest
 * payload of each classification and with its latest finished one, and a replay reads these; so they stay. A `disappeared`
 * revision has no payload, and an unfinished one does not supersede a finished one.
 */
export const IS_SUPERSEDED = sql<boolean>`exists (
  select from identifai.classification_revisions as later
  where later.classification_id = r.classification_id and later.revision_no > r.revision_no
    and not 'disappeared' = any(later.causes) and (later.status <> 'new' or r.status = 'new'))`

/** Nothing is checked again: a superseded revision stays superseded. A concurrent prune may have removed some of them. */
async function remove(
  db: Kysely<Database>,
  keys: readonly Pick<RevisionRow, 'classification_id' | 'revision_no'>[],
  days: number,
): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const rows = await trx
      .deleteFrom('identifai.revision_payloads')
      // Kysely cannot express unnest over several arrays.
      .where(
        sql<boolean>`(classification_id, revision_no) in (select * from unnest(
          ${keys.map((key) => key.classification_id)}::bigint[], ${keys.map((key) => key.revision_no)}::integer[]))`,
      )
      .returning('classification_id')
      .execute()
    const identifiers = new Set(rows.map((row) => row.classification_id)).size
    const reason = `payloads older than ${days} days`
    await recordAction(trx, { kind: 'prune', identifiers, author: null, reason })
    return rows.length
  })
}

/** The next page of superseded revisions with a payload, after a key. */
function supersededAfter(
  db: Kysely<Database>,
  { id, no, days }: { readonly id: number; readonly no: number; readonly days: number },
) {
  return db
    .selectFrom('identifai.revision_payloads as p')
    .innerJoin('identifai.classification_revisions as r', (join) =>
      join
        .onRef('r.classification_id', '=', 'p.classification_id')
        .onRef('r.revision_no', '=', 'p.revision_no'),
    )
    .select(['p.classification_id', 'p.revision_no'])
    .where(sql<boolean>`(p.classification_id, p.revision_no) > (${id}, ${no})`)
    .where('r.observed_at', '<', sql<Date>`now() - make_interval(days => ${days})`)
    .where(IS_SUPERSEDED)
    .orderBy('p.classification_id')
    .orderBy('p.revision_no')
    .limit(PAGE)
}
