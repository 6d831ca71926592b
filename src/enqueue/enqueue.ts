import type { Kysely } from 'kysely'
import type { Database } from '../db/database.ts'
import type { IdentifierState } from '../db/tables/identifiers.ts'
import { type Entry, type InvalidEntry, isInvalid } from './entry.ts'
import { type EnqueueOptions, insertIdentifiers } from './insert-identifiers.ts'
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
  const tally = {
    added: 0,
    known: 0,
    known_by_state: {} as Partial<Record<IdentifierState, number>>,
    invalid: 0,
  }
  const invalidLines: InvalidEntry[] = []
  await db.transaction().execute(async (trx) => {
    let chunk: Entry[] = []
    const flush = async () => {
      const inserted = await insertIdentifiers(trx, chunk, options)
      tally.added += inserted.added
      tally.known += chunk.length - inserted.added
      addStates(tally.known_by_state, inserted.existing, chunk.length - inserted.added)
      chunk = []
    }
    for await (const entry of entries) {
      if (isInvalid(entry)) {
        tally.invalid++
        if (invalidLines.length < INVALID_NAMED) invalidLines.push(entry)
        continue
      }
      chunk.push(entry)
      if (chunk.length === CHUNK) await flush()
    }
    if (chunk.length > 0) await flush()
  })
  return { ...tally, invalid_lines: invalidLines }
}

/** Adds up states; what is known but did not exist before the chunk was repeated within it, and is pending. */
function addStates(
  sums: Partial<Record<IdentifierState, number>>,
  existing: Partial<Record<IdentifierState, number>>,
  known: number,
): void {
  const existed = Object.values(existing).reduce((sum, number) => sum + number, 0)
  const counts = { ...existing, pending: (existing.pending ?? 0) + (known - existed) }
  for (const [state, number] of Object.entries(counts) as [IdentifierState, number][]) {
    if (number > 0) sums[state] = (sums[state] ?? 0) + number
  }
}
