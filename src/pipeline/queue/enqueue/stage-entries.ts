import { type Kysely, sql } from 'kysely'
import type { Database } from '../../../platform/postgres/database.ts'
import { type Entry, type InvalidEntry, isInvalid } from './entry.ts'
import type { EntryStream } from './read-entries.ts'

const CHUNK = 5000

/** Invalid lines that are named one by one; more are only counted. */
const INVALID_NAMED = 100

export interface Staged {
  readonly valid: number
  readonly invalid: number
  /** The first invalid lines. */
  readonly invalid_lines: readonly InvalidEntry[]
}

/**
 * Collects entries in a table of this transaction, `enqueued_entries`, chunk by chunk, so that a list of any size costs
 * little memory and the ledger is not locked meanwhile. What is invalid is counted and left out.
 */
export async function stageEntries(db: Kysely<Database>, entries: EntryStream): Promise<Staged> {
  await sql`
    create temporary table enqueued_entries (identifier text, submitted_at timestamptz, source text)
    on commit drop`.execute(db)
  const named: InvalidEntry[] = []
  let [valid, invalid] = [0, 0]
  let chunk: Entry[] = []
  for await (const entry of entries) {
    if (isInvalid(entry)) {
      invalid++
      if (named.length < INVALID_NAMED) named.push(entry)
      continue
    }
    valid++
    chunk.push(entry)
    if (chunk.length < CHUNK) continue
    await insertChunk(db, chunk)
    chunk = []
  }
  if (chunk.length > 0) await insertChunk(db, chunk)
  return { valid, invalid, invalid_lines: named }
}

/** Kysely has no word for unnest over several arrays. */
async function insertChunk(db: Kysely<Database>, entries: readonly Entry[]): Promise<void> {
  await sql`
    insert into enqueued_entries (identifier, submitted_at, source)
    select * from unnest(
      ${entries.map((entry) => entry.identifier)}::text[],
      ${entries.map((entry) => entry.submittedAt)}::timestamptz[],
      ${entries.map((entry) => entry.source)}::text[])`.execute(db)
}
