import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

/**
 * The revisions (`r`, with their run `s`) that a position of the chain has: sealed by then, and all before them of the same
 * classification, too. Of two runs at once the later content may be sealed first; it counts when the earlier one does.
 */
export function visibleRevisions(db: Kysely<Database>, position: number) {
  return db
    .with('hidden', (cte) =>
      cte
        .selectFrom('identifai.classification_revisions as later')
        .innerJoin('identifai.sync_runs as run', 'run.run_id', 'later.run_id')
        .where(sql<boolean>`run.chain_position is null or run.chain_position > ${position}`)
        .groupBy('later.classification_id')
        .select(({ fn }) => ['later.classification_id', fn.min('later.revision_no').as('revision_no')]),
    )
    .selectFrom('identifai.classification_revisions as r')
    .innerJoin('identifai.sync_runs as s', 's.run_id', 'r.run_id')
    .leftJoin('hidden', 'hidden.classification_id', 'r.classification_id')
    .where(sql<boolean>`(hidden.revision_no is null or r.revision_no < hidden.revision_no)`)
}

/** Revisions about force; the words are those of the partial index. Kysely has no word for the operator. */
export const IS_ABOUT_FORCE = sql<boolean>`r.causes && array['forced', 'force_changed', 'unforced', 'already_forced']`
