import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { IS_SUPERSEDED } from './is-superseded.ts'

/** Records that one statement removes at most. */
const PAGE = 5000

export interface Pruned {
  /** Kept records removed; with `isDryRun`, that would be. */
  readonly removed: number
  /** Records still kept. */
  readonly kept: number
}

/**
 * Removes the kept records of superseded revisions that were received before a time; never a revision. What a later
 * answer is compared with, and a replay reads, stays: the latest record of each classification, and its latest finished
 * one. In steps, so that nobody waits long for its locks; stopped in the middle, what is removed stays removed.
 */
export async function prunePayloads(
  db: Kysely<Database>,
  options: { readonly olderThanDays: number; readonly isDryRun: boolean; readonly signal: AbortSignal },
): Promise<Pruned> {
  let removed = 0
  for (let [id, no] = [Number.MIN_SAFE_INTEGER, 0]; !options.signal.aborted; ) {
    const page = await superseded(db, { id, no, days: options.olderThanDays }).execute()
    removed += options.isDryRun ? page.length : await remove(db, page)
    const last = page.at(-1)
    if (!last) break
    ;[id, no] = [last.classification_id, last.revision_no]
  }
  const { kept } = await db
    .selectFrom('identifai.revision_payloads')
    .select(({ fn }) => fn.countAll<number>().as('kept'))
    .executeTakeFirstOrThrow()
  return { removed, kept }
}

interface Page {
  /** Key after which the page begins. */
  readonly id: number
  readonly no: number
  readonly days: number
}

/** What is superseded stays so: nothing has to be checked again. Another prune may have removed some of it. */
async function remove(
  db: Kysely<Database>,
  keys: readonly { readonly classification_id: number; readonly revision_no: number }[],
): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('identifai.revision_payloads')
    // Kysely has no word for unnest over several arrays.
    .where(
      sql<boolean>`(classification_id, revision_no) in (select * from unnest(
        ${keys.map((key) => key.classification_id)}::bigint[], ${keys.map((key) => key.revision_no)}::integer[]))`,
    )
    .executeTakeFirst()
  return Number(numDeletedRows)
}

function superseded(db: Kysely<Database>, { id, no, days }: Page) {
  return db
    .selectFrom('identifai.revision_payloads as kept')
    .innerJoin('identifai.classification_revisions as r', (join) =>
      join
        .onRef('r.classification_id', '=', 'kept.classification_id')
        .onRef('r.revision_no', '=', 'kept.revision_no'),
    )
    .select(['kept.classification_id', 'kept.revision_no'])
    .where(sql<boolean>`(kept.classification_id, kept.revision_no) > (${id}, ${no})`)
    .where('r.observed_at', '<', sql<Date>`now() - make_interval(days => ${days})`)
    .where(IS_SUPERSEDED)
    .orderBy('kept.classification_id')
    .orderBy('kept.revision_no')
    .limit(PAGE)
}
