import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../platform/postgres/database.ts'
import type { IdentifierState } from '../../../platform/postgres/tables/identifiers.ts'

/** What the rows get that their entries do not say. */
export interface EnqueueOptions {
  readonly media: string
  readonly priority: number
  /** Source of the entries that name none. */
  readonly source: string | null
}

export interface Inserted {
  readonly added: number
  /** Entries whose identifier was there before, by state. */
  readonly existing: Partial<Record<IdentifierState, number>>
}

/**
 * Inserts the collected entries that are not known yet, in one order, so that two that add the same identifiers wait for
 * each other and never in a circle. All parts of the statement see the ledger as it was before it.
 */
export async function insertStaged(db: Kysely<Database>, options: EnqueueOptions): Promise<Inserted> {
  const { rows } = await sql<Inserted>`
    with existing as (
      select i.state, count(*) as identifiers
      from enqueued_entries as e
      join identifai.identifiers as i on i.media = ${options.media} and i.identifier = e.identifier
      group by i.state
    ),
    inserted as (
      insert into identifai.identifiers (media, identifier, submitted_at, source, priority)
      select ${options.media}, identifier, submitted_at, coalesce(source, ${options.source}), ${options.priority}::smallint
      from enqueued_entries order by identifier
      on conflict (media, identifier) do nothing
      returning 1
    )
    select (select count(*) from inserted) as added,
      coalesce((select json_object_agg(state, identifiers) from existing), '{}'::json) as existing`.execute(
    db,
  )
  return rows[0] as Inserted
}
