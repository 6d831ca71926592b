import { sql } from 'kysely'

/**
 * Whether a revision `r` is superseded, so that its record may go: what a later answer is compared with, and a replay
 * reads, is the latest record of each classification, and its latest finished one. A `disappeared` revision has no record,
 * and an unfinished one does not supersede a finished one.
 */
export const IS_SUPERSEDED = sql<boolean>`exists (
  select from identifai.classification_revisions as later
  where later.classification_id = r.classification_id and later.revision_no > r.revision_no
    and not 'disappeared' = any(later.causes) and (later.status <> 'new' or r.status = 'new'))`
