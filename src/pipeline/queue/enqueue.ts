import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { IdentifierState } from '../../platform/postgres/tables/queue.ts'
import type { EntryStream } from './input/entry.ts'
import { DISTINCT_ENTRIES, stageEntries } from './input/stage-entries.ts'

export interface EnqueueOptions {
  readonly media: string
  readonly priority: number
  /** Source of the entries that name none. */
  readonly source: string | null
  /** Replaces the metadata of tracked identifiers. Otherwise only empty values are filled in. */
  readonly update?: boolean | undefined
  /** Determines the result, and writes nothing. */
  readonly dryRun?: boolean | undefined
  readonly onRead?: (entries: number) => void
}

export type StateCounts = Partial<Record<IdentifierState, number>>

export type EnqueueResult = Awaited<ReturnType<typeof enqueue>>

/** Entries that a dry run lists. */
const LISTED = 5

/**
 * Tracks identifiers, in one transaction: when the input ends with an error, none was added. Reads the input in chunks,
 * because it can be of any size. A tracked identifier gets only the metadata that it lacks. Invalid entries are counted and
 * skipped.
 */
export async function enqueue(db: Kysely<Database>, entries: EntryStream, options: EnqueueOptions) {
  return db.transaction().execute(async (trx) => {
    const { valid, ...invalid } = await stageEntries(trx, entries, options.onRead)
    const { distinct, known_by_state } = await readKnown(trx, options)
    const tracked = Object.values(known_by_state).reduce((sum, number) => sum + number, 0)
    const updated = tracked === 0 ? 0 : await updateMetadata(trx, options)
    const added = options.dryRun ? distinct - tracked : await insertStaged(trx, options)
    return {
      added,
      known: distinct - added,
      known_by_state,
      repeated: valid - distinct,
      updated,
      ...invalid,
      ...(options.dryRun && { first: await readFirst(trx, options) }),
    }
  })
}

interface Known {
  /** Different identifiers of the input. */
  readonly distinct: number
  /** Those of them that were tracked before, by state. */
  readonly known_by_state: StateCounts
}

async function readKnown(db: Kysely<Database>, { media }: EnqueueOptions): Promise<Known> {
  const { rows } = await sql<Known>`
    with given as (select distinct identifier from entries),
    known as (
      select i.state, count(*) as identifiers
      from given as e join identifai.identifiers as i on i.media = ${media} and i.identifier = e.identifier
      group by i.state
    )
    select (select count(*) from given) as distinct,
      coalesce((select json_object_agg(state, identifiers) from known), '{}'::json) as known_by_state`.execute(
    db,
  )
  return rows[0] as Known
}

/**
 * Inserts the staged entries that are not tracked yet, in one order, so that two transactions with the same identifiers
 * cannot deadlock. Returns their number.
 */
async function insertStaged(db: Kysely<Database>, options: EnqueueOptions): Promise<number> {
  const { numAffectedRows } = await sql`
    insert into identifai.identifiers (media, identifier, submitted_at, source, priority)
    select ${options.media}, identifier, submitted_at, coalesce(source, ${options.source}), ${options.priority}::smallint
    from ${DISTINCT_ENTRIES} as e order by identifier
    on conflict (media, identifier) do nothing`.execute(db)
  return Number(numAffectedRows)
}

/** Writes the metadata of tracked identifiers, which it locks in the order of their ids. Returns the number that change. */
async function updateMetadata(
  db: Kysely<Database>,
  { media, source, update, dryRun }: EnqueueOptions,
): Promise<number> {
  const given = { submittedAt: sql`e.submitted_at`, source: sql`coalesce(e.source, ${source}::text)` }
  const merged = update
    ? sql`coalesce(${given.submittedAt}, i.submitted_at) as submitted_at, coalesce(${given.source}, i.source) as source`
    : sql`coalesce(i.submitted_at, ${given.submittedAt}) as submitted_at, coalesce(i.source, ${given.source}) as source`
  const changing = sql`
    select * from (
      select i.id, i.submitted_at as old_time, i.source as old_source, ${merged}
      from ${DISTINCT_ENTRIES} as e
      join identifai.identifiers as i on i.media = ${media} and i.identifier = e.identifier
      where i.redacted_at is null
    ) as merged
    where (old_time, old_source) is distinct from (submitted_at, source)`
  if (dryRun) {
    const { rows } = await sql<{ n: number }>`select count(*) as n from (${changing}) as c`.execute(db)
    return rows[0]?.n ?? 0
  }
  // Another process may have filled in something since the rows were read.
  const values = update
    ? sql`submitted_at = c.submitted_at, source = c.source`
    : sql`submitted_at = coalesce(i.submitted_at, c.submitted_at), source = coalesce(i.source, c.source)`
  const { numAffectedRows } = await sql`
    with changing as (${changing}),
    locked as (
      select id from identifai.identifiers where id in (select id from changing) order by id for update
    )
    update identifai.identifiers as i
    set ${values}, changed_at = (select identifai.next_change() from (select count(*) from locked) as all_locked)
    from changing as c join locked on locked.id = c.id
    where i.id = c.id`.execute(db)
  return Number(numAffectedRows)
}

/** The first entries as they were read. */
async function readFirst(db: Kysely<Database>, { source }: EnqueueOptions) {
  const { rows } = await sql<{ identifier: string; submitted_at: Date | null; source: string | null }>`
    select identifier, submitted_at, coalesce(source, ${source}::text) as source
    from entries order by line_no limit ${LISTED}`.execute(db)
  return rows
}
