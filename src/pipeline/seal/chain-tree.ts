import type { Kysely } from 'kysely'
import { AlteredError } from '../../platform/errors.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { joined, type Range, type Subtree, subtreesOf } from './merkle-tree.ts'

/**
 * Reads the roots of ranges of the chain, whose leaves are the sealed runs. Each range takes a few rows: those of the runs with which its
 * complete subtrees end.
 *
 * @throws AlteredError when a run lacks such a subtree.
 */
export async function readRoots(db: Kysely<Database>, ranges: readonly Range[]): Promise<Buffer[]> {
  const subtrees = await readSubtrees(db, ranges.flatMap(subtreesOf))
  return ranges.map((range) => joined(subtreesOf(range).map(() => (subtrees.shift() as Subtree).hash)))
}

/** Reads complete subtrees of the chain. */
export async function readSubtrees(db: Kysely<Database>, subtrees: readonly Range[]): Promise<Subtree[]> {
  if (subtrees.length === 0) return []
  const rows = await db
    .selectFrom('identifai.sync_runs')
    .select(['chain_position', 'chain_nodes'])
    .where('chain_position', 'in', [...new Set(subtrees.map(([, last]) => last))])
    .execute()
  const nodes = new Map(rows.map(({ chain_position, chain_nodes }) => [chain_position, chain_nodes]))
  return subtrees.map(([from, last]) => {
    const size = last - from
    const hash = nodes.get(last)?.[Math.log2(size)]
    if (hash === undefined) throw new AlteredError(`the run at position ${last}`)
    return { size, hash: Buffer.from(hash, 'hex') }
  })
}

/** The first sealed run, whose id names the chain. The chain must not be empty. */
export async function readFirstRunId(db: Kysely<Database>): Promise<string> {
  const { run_id } = await db
    .selectFrom('identifai.sync_runs')
    .select('run_id')
    .where('chain_position', '=', 1)
    .executeTakeFirstOrThrow(() => new AlteredError('the run at position 1'))
  return run_id
}
