import { type Kysely, sql } from 'kysely'
import { type Scope, visibleRevisions } from '../../../pipeline/seal/visible-revisions.ts'
import type { DatabaseTime } from '../../../platform/time.ts'
import { utcText } from '../../../platform/postgres/clock.ts'
import type { Database } from '../../../platform/postgres/database.ts'
import { FORCE_CAUSES } from '../../../platform/postgres/tables/history.ts'
import type { EventValues, ForceChange } from '../schema.ts'

/** Rows that the cursor fetches at a time. */
const PAGE = 1000

/** Every change of force up to a position of the chain, each with the finished content before it. */
export async function readEvents(db: Kysely<Database>, scope: Scope): Promise<ForceChange[]> {
  const query = visibleRevisions(db, scope)
    .where(IS_ABOUT_FORCE)
    // An already forced identifier has no finished content before it, so that the join leaves it out: it is no event.
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('identifai.classification_revisions as f')
          .select(['f.revision_no', 'f.force_classification', 'f.machine_classification'])
          .select(['f.machine_confidence', 'f.machine_heuristic'])
          .whereRef('f.classification_id', '=', 'r.classification_id')
          .whereRef('f.revision_no', '<', 'r.revision_no')
          .where('f.status', '<>', 'new')
          .orderBy('f.revision_no', 'desc')
          .limit(1)
          .as('former'),
      (join) => join.onTrue(),
    )
    .select([EVENT.as('event'), 'r.classification_id', 'r.revision_no'])
    .select(['former.revision_no as revision_no_before', 'r.identifier'])
    .select(['r.personal_commitment', utcText(sql`r.submitted_at`).as('submitted_at'), 'r.file_hash'])
    .select(['former.force_classification as forced_from', 'r.force_classification as forced_to'])
    .select(utcText(sql`r.previous_confirmed_at`).as('not_before'))
    .select(utcText(sql`r.observed_at`).as('not_after'))
    .select('former.machine_classification as machine_classification_before')
    .select('former.machine_confidence as machine_confidence_before')
    .select('former.machine_heuristic as machine_heuristic_before')
    .select('r.machine_classification as machine_classification_after')
    .select('r.machine_confidence as machine_confidence_after')
    .select('r.machine_heuristic as machine_heuristic_after')
    .select(['r.run_id', sql<number>`s.chain_position`.as('chain_position')])
  return Array.fromAsync(query.stream(PAGE))
}

/** The personal values of events that were not removed, in the order of the events. */
export async function readPersonalValues(
  db: Kysely<Database>,
  events: readonly ForceChange[],
): Promise<EventValues[]> {
  // Kysely cannot express unnest over several arrays.
  const keys = sql<{ id: number; no: number; position: number }>`unnest(
    ${events.map((event) => event.classification_id)}::bigint[],
    ${events.map((event) => event.revision_no)}::integer[]) with ordinality`
  return db
    .selectFrom(keys.as<'key'>(sql`key(id, no, position)`))
    .innerJoin('identifai.personal_values as v', (join) =>
      join.onRef('v.classification_id', '=', 'key.id').onRef('v.revision_no', '=', 'key.no'),
    )
    .select([
      'v.classification_id',
      'v.revision_no',
      'v.salt',
      'v.name',
      'v.ref_id',
      'v.result_url',
      'v.source',
    ])
    .orderBy('key.position')
    .execute()
}

/** The times at which identifiers were observed whose first finished record was forced already. */
export async function readAlreadyForced(db: Kysely<Database>, scope: Scope): Promise<DatabaseTime[]> {
  const rows = await visibleRevisions(db, scope)
    .where(IS_ABOUT_FORCE)
    .where(sql<boolean>`${ALREADY_FORCED} = any(r.causes)`)
    .select(utcText(sql`r.observed_at`).as('observed_at'))
    .execute()
  return rows.map(({ observed_at }) => observed_at)
}

const ALREADY_FORCED = sql.lit('already_forced')

/** The causes that are about force. The partial index on them applies only if the array is written as it is there. */
const IS_ABOUT_FORCE = sql<boolean>`r.causes && array[${sql.join([...FORCE_CAUSES.map((kind) => sql.lit(kind)), ALREADY_FORCED])}]`

/** The cause of a revision that is an event. */
const EVENT = sql<ForceChange['event']>`case ${sql.join(
  FORCE_CAUSES.map((kind) => sql`when ${sql.lit(kind)} = any(r.causes) then ${sql.lit(kind)}`),
  sql` `,
)} end`
