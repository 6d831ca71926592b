import type { Kysely } from 'kysely'
import type { Database } from '../../../platform/postgres/database.ts'
import type { IdentifierState } from '../../../platform/postgres/tables/identifiers.ts'
import { type EnqueueOptions, type Inserted, insertStaged } from './insert-identifiers.ts'
import type { EntryStream } from './read-entries.ts'
import { type Staged, stageEntries } from './stage-entries.ts'

export interface EnqueueResult extends Omit<Staged, 'valid'> {
  readonly added: number
  readonly known: number
  readonly known_by_state: Partial<Record<IdentifierState, number>>
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
    const { valid, ...rest } = await stageEntries(trx, entries)
    const { added, existing } = await insertStaged(trx, options)
    const known = valid - added
    return { added, known, known_by_state: statesOf(existing, known), ...rest }
  })
}

/** What is known but did not exist before was repeated in the input, and is pending. */
function statesOf(existing: Inserted['existing'], known: number): EnqueueResult['known_by_state'] {
  const existed = Object.values(existing).reduce((sum, number) => sum + number, 0)
  const pending = (existing.pending ?? 0) + known - existed
  return pending > 0 ? { ...existing, pending } : existing
}
