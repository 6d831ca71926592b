import { type Kysely, sql } from 'kysely'
import type { Database } from '../db/database.ts'
import type { IdentifierState } from '../db/tables/identifiers.ts'
import type { Entry } from './entry.ts'

/** What the rows get that their entries do not say. */
export interface EnqueueOptions {
  readonly media: string
  readonly priority: number
  /** Source of the entries that name none. */
  readonly source: string | null
}

export interface Inserted {
  readonly added: number
  /** Entries that were there before, by state. */
  readonly existing: Partial<Record<IdentifierState, number>>
}

/**
 * Inserts what is not known yet. All parts of the statement see the table as it was before it, so `existing` counts
 * what was known before. Raw SQL: Kysely has no word for unnest over several arrays.
 */
export async function insertIdentifiers(
  db: Kysely<Database>,
  entries: readonly Entry[],
  options: EnqueueOptions,
): Promise<Inserted> {
  const { rows } = await sql<Inserted>`
    with input as (
      select * from unnest(
        ${entries.map((entry) => entry.identifier)}::text[],
        ${entries.map((entry) => entry.submittedAt)}::timestamptz[],
        ${entries.map((entry) => entry.source ?? options.source)}::text[]
      ) as entry (identifier, submitted_at, source)
    ),
    existing as (
      select i.state, count(*) as identifiers
      from input join identifai.identifiers as i on i.media = ${options.media} and i.identifier = input.identifier
      group by i.state
    ),
    inserted as (
      insert into identifai.identifiers (media, identifier, submitted_at, source, priority)
      select ${options.media}, identifier, submitted_at, source, ${options.priority}::smallint from input
      on conflict (media, identifier) do nothing
      returning 1
    )
    select (select count(*) from inserted) as added,
      coalesce((select json_object_agg(state, identifiers) from existing), '{}'::json) as existing`.execute(
    db,
  )
  return rows[0] as Inserted
}
