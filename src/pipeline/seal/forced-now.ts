import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'

/** Identifiers of a medium whose latest finished record has these two labels. */
export interface LabelCount {
  readonly media: string
  /** The machine's label; null without a verdict. */
  readonly machine: string | null
  /** Null when it is not forced. */
  readonly forced_to: string | null
  readonly identifiers: number
}

/**
 * Counts all identifiers by their labels when a run is sealed, from the counts at the run before. It reads only the
 * identifiers with a revision in the run. The labels of all others are those before, because a revision is hidden only until
 * all earlier ones of its identifier are sealed.
 */
export async function countForcedNow(
  db: Kysely<Database>,
  runId: string,
  former: readonly LabelCount[],
): Promise<LabelCount[]> {
  const changes = await readLabelChanges(db, runId)
  const counts = Map.groupBy([...former, ...changes], ({ media, machine, forced_to }) =>
    JSON.stringify([media, machine, forced_to]),
  )
  return [...counts]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, of]) => ({
      ...(of[0] as LabelCount),
      identifiers: of.reduce((sum, { identifiers }) => sum + identifiers, 0),
    }))
    .filter(({ identifiers }) => identifiers !== 0)
}

/** The labels that identifiers with a revision in a run got or lost, the latter with a negative number. */
async function readLabelChanges(db: Kysely<Database>, runId: string): Promise<LabelCount[]> {
  const others = await db
    .selectFrom('identifai.sync_runs')
    .select('run_id')
    .where('chain_position', 'is', null)
    .where('run_id', '<>', runId)
    .execute()
  const unsealed = others.map(({ run_id }) => run_id)
  const { rows } = await sql<LabelCount>`
    with concerned as (
      select r.classification_id, r.media, r.revision_no, r.status <> 'new' as is_finished,
        r.run_id = ${runId} as is_new, r.run_id = any(${unsealed}::uuid[]) as is_hidden
      from identifai.classification_revisions as r
      where r.classification_id in (
        select classification_id from identifai.classification_revisions where run_id = ${runId})
    ),
    bounded as (
      select *,
        min(revision_no) filter (where is_hidden) over one as hidden_from,
        min(revision_no) filter (where is_hidden or is_new) over one as formerly_hidden_from
      from concerned window one as (partition by classification_id)
    ),
    latest as (
      select classification_id,
        max(revision_no) filter (where formerly_hidden_from is null or revision_no < formerly_hidden_from) as before,
        max(revision_no) filter (where hidden_from is null or revision_no < hidden_from) as after
      from bounded where is_finished group by classification_id
    )
    select r.media, r.machine_classification as machine, r.force_classification as forced_to,
      sum(change.sign)::float8 as identifiers
    from latest cross join lateral (values (latest.before, -1), (latest.after, 1)) as change (revision_no, sign)
    join identifai.classification_revisions as r
      on r.classification_id = latest.classification_id and r.revision_no = change.revision_no
    where latest.before is distinct from latest.after
    group by 1, 2, 3`.execute(db)
  return rows
}
