import { type Kysely, sql } from 'kysely'
import type { DatabaseTime } from '../../platform/database-time.ts'
import { utcText } from '../../platform/postgres/clock.ts'
import type { Database } from '../../platform/postgres/database.ts'
import type { ForceEvent } from './report.ts'
import { IS_ABOUT_FORCE, visibleRevisions } from './visible-revisions.ts'

/** A change of force as history has it, before it is looked at under a period. */
export type ForceChange = Omit<
  ForceEvent,
  'in_period' | 'decision' | 'same_file_identifiers' | 'force_origin'
>

/** Rows that the cursor fetches at once. */
const ROWS_AT_ONCE = 1000

/** Every change of force that a position of the chain has, and the finished content before it. */
export async function readEvents(db: Kysely<Database>, position: number): Promise<ForceChange[]> {
  const events: ForceChange[] = []
  for await (const event of eventsUpTo(db, position).stream(ROWS_AT_ONCE)) events.push(event)
  return events
}

/** When identifiers were first seen finished that were forced already. */
export async function readAlreadyForced(db: Kysely<Database>, position: number): Promise<DatabaseTime[]> {
  const rows = await visibleRevisions(db, position)
    .where(IS_ABOUT_FORCE)
    .where(sql<boolean>`'already_forced' = any(r.causes)`)
    .select(utcText(sql`r.observed_at`).as('observed_at'))
    .execute()
  return rows.map(({ observed_at }) => observed_at)
}

function eventsUpTo(db: Kysely<Database>, position: number) {
  return (
    visibleRevisions(db, position)
      .where(IS_ABOUT_FORCE)
      // What was found forced has no finished content before it, and is no event.
      .innerJoinLateral(
        (eb) =>
          eb
            .selectFrom('identifai.classification_revisions as f')
            .select([
              'f.revision_no',
              'f.force_classification',
              'f.machine_classification',
              'f.machine_confidence',
              'f.machine_heuristic',
            ])
            .whereRef('f.classification_id', '=', 'r.classification_id')
            .whereRef('f.revision_no', '<', 'r.revision_no')
            .where('f.status', '<>', 'new')
            .orderBy('f.revision_no', 'desc')
            .limit(1)
            .as('former'),
        (join) => join.onTrue(),
      )
      .select([
        sql<ForceEvent['event']>`case when 'forced' = any(r.causes) then 'forced'
        when 'unforced' = any(r.causes) then 'unforced' else 'force_changed' end`.as('event'),
        'r.classification_id',
        'r.revision_no',
        'former.revision_no as revision_no_before',
        'r.identifier',
        'r.ref_id',
        'r.name',
        'r.source',
        utcText(sql`r.submitted_at`).as('submitted_at'),
        'r.file_hash',
        'former.force_classification as forced_from',
        'r.force_classification as forced_to',
        utcText(sql`r.previous_confirmed_at`).as('not_before'),
        utcText(sql`r.observed_at`).as('not_after'),
        'former.machine_classification as machine_classification_before',
        'former.machine_confidence as machine_confidence_before',
        'former.machine_heuristic as machine_heuristic_before',
        'r.machine_classification as machine_classification_after',
        'r.machine_confidence as machine_confidence_after',
        'r.machine_heuristic as machine_heuristic_after',
        'r.result_url',
        'r.run_id',
        sql<number>`s.chain_position`.as('chain_position'),
      ])
  )
}
