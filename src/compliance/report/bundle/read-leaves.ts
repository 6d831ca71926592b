import type { Kysely } from 'kysely'
import { leafName } from '../../../pipeline/seal/leaf.ts'
import type { Database } from '../../../platform/postgres/database.ts'

/** Rows that the cursor fetches at once. */
const ROWS_AT_ONCE = 5000

/** The tree of one run. */
export interface Leaves {
  /** All of them, in order. */
  readonly hashes: readonly Buffer[]
  /** Where those are that were wanted, by name. */
  readonly numbers: ReadonlyMap<string, number>
}

/** The leaves of a run's tree, and where some of them are. */
export async function readLeaves(
  db: Kysely<Database>,
  position: number,
  wanted: ReadonlySet<string>,
): Promise<Leaves> {
  const hashes: Buffer[] = []
  const numbers = new Map<string, number>()
  const rows = db
    .selectFrom('identifai.chain_leaves')
    .select(['leaf_hash', 'classification_id', 'revision_no', 'note_id'])
    .where('chain_position', '=', position)
    .orderBy('leaf_no')
    .stream(ROWS_AT_ONCE)
  for await (const { leaf_hash, ...key } of rows) {
    const name = leafName(key)
    if (wanted.has(name)) numbers.set(name, hashes.length)
    hashes.push(Buffer.from(leaf_hash, 'hex'))
  }
  return { hashes, numbers }
}
