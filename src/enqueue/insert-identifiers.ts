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
  /** Entries whose identifier was there before, by state. */
  readonly existing: Partial<Record<IdentifierState, number>>
}

/** Makes the table of this transaction that entries are collected in, so that the ledger is not locked meanwhile. */
export async function createStage(db: Kysely<Database>): Promise<void> {
  await sql`
    create temporary table enqueued_entries (identifier text, submitted_at timestamptz, source text)
    on commit drop`.execute(db)
}

/** Collects entries. Kysely has no word for unnest over several arrays. */
export async function stageEntries(db: Kysely<Database>, entries: readonly Entry[]): Promise<void> {
  await sql`
    insert into enqueued_entries (identifier, submitted_at, source)
    select * from unnest(
      ${entries.map((entry) => entry.identifier)}::text[],
      ${entries.map((entry) => entry.submittedAt)}::timestamptz[],
      ${entries.map((entry) => entry.source)}::text[])`.execute(db)
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
