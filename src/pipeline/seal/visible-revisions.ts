import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

/** A part of history: up to a position of the chain, and of one medium or of all. */
export interface Scope {
  readonly media?: string
  readonly position: number
}

/**
 * The revisions (`r`, with their run `s`) that a position of the chain has. They were sealed by then, and so
 * were all revisions before them of the same classification. Of two concurrent runs, the one with the later content may
 * be sealed first; its content counts when the earlier one is sealed.
 */
export function visibleRevisions(db: Kysely<Database>, { media, position }: Scope) {
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
    .$if(media !== undefined, (query) => query.where('r.media', '=', media as string))
    .where(sql<boolean>`(hidden.revision_no is null or r.revision_no < hidden.revision_no)`)
}

/** The latest revision of each classification at a position of the chain. */
export function latestVisible(db: Kysely<Database>, scope: Scope) {
  return db.selectFrom(
    visibleRevisions(db, scope)
      .distinctOn('r.classification_id')
      .select(['r.classification_id', 'r.revision_no', 'r.media', 'r.status', 'r.file_hash'])
      .select(['r.machine_classification', 'r.force_classification'])
      // The primary key backwards, so that its index gives the order.
      .orderBy('r.classification_id', 'desc')
      .orderBy('r.revision_no', 'desc')
      .as('latest'),
  )
}
