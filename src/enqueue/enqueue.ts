import type { Kysely } from 'kysely'
import type { Database } from '../db/database.ts'
import type { IdentifierState } from '../db/tables/identifiers.ts'
import { type Entry, type InvalidEntry, isInvalid } from './entry.ts'
import {
  createStage,
  type EnqueueOptions,
  type Inserted,
  insertStaged,
  stageEntries,
} from './insert-identifiers.ts'
import type { EntryStream } from './read-entries.ts'

const CHUNK = 5000

/** Invalid lines that are named one by one; more are only counted. */
const INVALID_NAMED = 100

export interface EnqueueResult {
  readonly added: number
  readonly known: number
  readonly known_by_state: Partial<Record<IdentifierState, number>>
  readonly invalid: number
  /** The first invalid lines. */
  readonly invalid_lines: readonly InvalidEntry[]
}

/**
 * Adds identifiers to the ledger, in one transaction: when the input breaks off, nothing has been added. Streams, in
 * chunks, whatever the size. What is known already stays as it is; what is invalid is counted and left out.
 */
export async function enqueue(
  db: Kysely<Database>,
  entries: EntryStream,
  options: EnqueueOptions,
): Promise<EnqueueResult> {
  return db.transaction().execute(async (trx) => {
    await createStage(trx)
    const { valid, invalid, named } = await stageAll(trx, entries)
    const { added, existing } = await insertStaged(trx, options)
    const known = valid - added
    return { added, known, known_by_state: statesOf(existing, known), invalid, invalid_lines: named }
  })
}

async function stageAll(db: Kysely<Database>, entries: EntryStream) {
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
    await stageEntries(db, chunk)
    chunk = []
  }
  if (chunk.length > 0) await stageEntries(db, chunk)
  return { valid, invalid, named }
}

/** What is known but did not exist before was repeated in the input, and is pending. */
function statesOf(existing: Inserted['existing'], known: number): EnqueueResult['known_by_state'] {
  const existed = Object.values(existing).reduce((sum, number) => sum + number, 0)
  const pending = (existing.pending ?? 0) + known - existed
  return pending > 0 ? { ...existing, pending } : existing
}
