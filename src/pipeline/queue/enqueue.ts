import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import type { IdentifierState } from '../../platform/postgres/tables/queue.ts'
import { type Entry, type InvalidEntry, isInvalid } from './input/entry.ts'
import type { EntryStream } from './input/read-entries.ts'

/** Entries in one statement. */
const CHUNK = 5000

/** Invalid lines that a result lists; the rest is only counted. */
const INVALID_LISTED = 100

/** Values for the columns that entries do not have. */
export interface EnqueueOptions {
  readonly media: string
  readonly priority: number
  /** Source of the entries that name none. */
  readonly source: string | null
}

export type StateCounts = Partial<Record<IdentifierState, number>>

export type EnqueueResult = Awaited<ReturnType<typeof enqueue>>

/**
 * Tracks identifiers, in one transaction: when the input ends with an error, none was added. Reads the input in chunks, so
 * that its size does not matter. An identifier that is already tracked stays as it is; an invalid one is counted and
 * skipped.
 */
export async function enqueue(db: Kysely<Database>, entries: EntryStream, options: EnqueueOptions) {
  return db.transaction().execute(async (trx) => {
    const { valid, ...rest } = await stageEntries(trx, entries)
    const { added, existing } = await insertStaged(trx, options)
    const known = valid - added
    return { added, known, known_by_state: statesOf(existing, known), ...rest }
  })
}

/** An entry that is known but did not exist before is a repetition in the input, and is pending. */
function statesOf(existing: StateCounts, known: number): StateCounts {
  const existed = Object.values(existing).reduce((sum, number) => sum + number, 0)
  const pending = (existing.pending ?? 0) + known - existed
  return pending > 0 ? { ...existing, pending } : existing
}

interface Inserted {
  readonly added: number
  /** Entries whose identifier was tracked before, by state. */
  readonly existing: StateCounts
}

/**
 * Inserts the staged entries that are not tracked yet, in one order, so that two transactions with the same identifiers
 * cannot deadlock. All parts of the statement see the table as it was before.
 */
async function insertStaged(db: Kysely<Database>, options: EnqueueOptions): Promise<Inserted> {
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

interface Staged {
  readonly valid: number
  readonly invalid: number
  /** The first invalid lines. */
  readonly invalid_lines: readonly InvalidEntry[]
}

/**
 * Writes the valid entries into a temporary table, `enqueued_entries`, in chunks. So a list of any size needs little memory,
 * and locks no tracked identifier meanwhile. Invalid entries are counted and skipped.
 */
export async function stageEntries(db: Kysely<Database>, entries: EntryStream): Promise<Staged> {
  await sql`
    create temporary table enqueued_entries (identifier text, submitted_at timestamptz, source text)
    on commit drop`.execute(db)
  const listed: InvalidEntry[] = []
  let [valid, invalid] = [0, 0]
  let chunk: Entry[] = []
  for await (const entry of entries) {
    if (isInvalid(entry)) {
      invalid++
      if (listed.length < INVALID_LISTED) listed.push(entry)
      continue
    }
    valid++
    chunk.push(entry)
    if (chunk.length < CHUNK) continue
    await insertChunk(db, chunk)
    chunk = []
  }
  if (chunk.length > 0) await insertChunk(db, chunk)
  return { valid, invalid, invalid_lines: listed }
}

/** Raw SQL, because Kysely has no unnest over several arrays. */
async function insertChunk(db: Kysely<Database>, entries: readonly Entry[]): Promise<void> {
  await sql`
    insert into enqueued_entries (identifier, submitted_at, source)
    select * from unnest(
      ${entries.map((entry) => entry.identifier)}::text[],
      ${entries.map((entry) => entry.submittedAt)}::timestamptz[],
      ${entries.map((entry) => entry.source)}::text[])`.execute(db)
}
