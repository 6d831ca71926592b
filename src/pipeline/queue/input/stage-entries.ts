import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../platform/postgres/database.ts'
import { type Entry, type EntryStream, type InvalidEntry, isInvalid } from './entry.ts'

/** Entries in one statement. */
const CHUNK = 2000

/** Invalid lines that a result lists; the rest is only counted. */
const INVALID_LISTED = 100

export interface Staged {
  /** Valid entries; an identifier that is repeated counts each time. */
  readonly valid: number
  readonly invalid: number
  /** The first invalid lines. */
  readonly invalid_lines: readonly InvalidEntry[]
}

/**
 * Writes the valid entries into a temporary table, `entries`, in chunks. So a list of any size needs little memory, and locks
 * no tracked identifier meanwhile. Invalid entries are counted and skipped. Of an identifier that is repeated, the first
 * entry counts.
 *
 * @param onRead Called after each chunk, with the number of entries so far.
 */
export async function stageEntries(
  db: Kysely<Database>,
  stream: EntryStream,
  onRead: (entries: number) => void = () => {},
): Promise<Staged> {
  await sql`
    create temporary table entries (identifier text, submitted_at timestamptz, source text, line_no bigint)
    on commit drop`.execute(db)
  const listed: InvalidEntry[] = []
  let [valid, invalid] = [0, 0]
  let chunk: Entry[] = []
  const write = async () => {
    await insertChunk(db, chunk)
    onRead(valid + invalid)
    chunk = []
  }
  for await (const entry of stream) {
    if (isInvalid(entry)) {
      invalid++
      if (listed.length < INVALID_LISTED) listed.push(entry)
      continue
    }
    valid++
    chunk.push(entry)
    if (chunk.length === CHUNK) await write()
  }
  if (chunk.length > 0) await write()
  // Autovacuum does not analyze temporary tables.
  await sql`analyze entries`.execute(db)
  return { valid, invalid, invalid_lines: listed }
}

/** Raw SQL, because Kysely has no unnest over several arrays. */
async function insertChunk(db: Kysely<Database>, entries: readonly Entry[]): Promise<void> {
  await sql`
    insert into entries (identifier, submitted_at, source, line_no)
    select * from unnest(
      ${entries.map((entry) => entry.identifier)}::text[],
      ${entries.map((entry) => entry.submittedAt)}::timestamptz[],
      ${entries.map((entry) => entry.source)}::text[],
      ${entries.map((entry) => entry.line)}::bigint[])`.execute(db)
}

/** The staged entries as a subquery, one for each identifier. */
export const DISTINCT_ENTRIES = sql`(
  select distinct on (identifier) identifier, submitted_at, source from entries order by identifier, line_no)`
