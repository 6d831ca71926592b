import { type Kysely, sql, type Transaction } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { readFirstRunId, readSubtrees } from './chain-tree.ts'
import { checkpointText, type Signer } from './checkpoint.ts'
import { countForcedNow, type LabelCount } from './forced-now.ts'
import { actionLeaf, type Leaf, noteLeaf, RevisionLeaves, revisionLeaf, runLeaf } from './leaf.ts'
import { RootHasher, subtreesOf } from './merkle-tree.ts'
import { actionsBetween, notesBetween, revisionPagesOf, sealedRowOf } from './read-rows.ts'

/** The advisory lock of the chain; triggers on notes and actions take it, too. */
const CHAIN = sql`hashtextextended('identifai chain', 0)`

/** Leaves in one statement. */
const LEAVES_AT_ONCE = 5000

/** The leaves of a run's revisions. The caller makes sure that nothing is written into the run any more. */
export async function leavesOfRevisions(db: Kysely<Database>, runId: string): Promise<RevisionLeaves> {
  const leaves = new RevisionLeaves()
  for await (const page of revisionPagesOf(db, [runId])) {
    for (const row of page) leaves.add(row.classification_id, row.revision_no, revisionLeaf(row).hash)
  }
  return leaves
}

/**
 * Locks the chain: until the transaction ends, no other one seals a run, or writes a note or an action. Waits for ten seconds at most,
 * because an open transaction that has written a note or an action must not block a run silently.
 */
export async function lockChain(trx: Transaction<Database>): Promise<void> {
  await sql`set local lock_timeout = '10s'`.execute(trx)
  await sql`select pg_advisory_xact_lock(${CHAIN})`.execute(trx)
  await sql`set local lock_timeout = 0`.execute(trx)
}

/** Waits until no run is being sealed and no note is being written; a new snapshot then has what they wrote. */
export async function waitForSeal(db: Kysely<Database>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await sql`set local lock_timeout = '30s'`.execute(trx)
    await sql`select pg_advisory_xact_lock_shared(${CHAIN})`.execute(trx)
  })
}

/**
 * Seals a finished run as the newest leaf of the chain. Its revisions, and the notes and actions since the run before, are the
 * leaves of its own tree. The caller holds the lock of the chain, and does not change the row afterwards.
 *
 * @param signer Signs the head; null when no key is configured.
 */
export async function sealRun(
  trx: Transaction<Database>,
  runId: string,
  revisions: RevisionLeaves,
  signer: Signer | null,
): Promise<void> {
  const former = await newestSealed(trx)
  const notes = await notesBetween(trx, former.notesThrough, Number.MAX_SAFE_INTEGER)
  const actions = await actionsBetween(trx, former.actionsThrough, Number.MAX_SAFE_INTEGER)
  const others = [...notes.map(noteLeaf), ...actions.map(actionLeaf)]
  const leafAt = (leafNo: number) =>
    leafNo < revisions.length ? revisions.at(leafNo) : (others[leafNo - revisions.length] as Leaf)
  const length = revisions.length + others.length
  const position = former.position + 1
  const root = await insertLeaves(trx, position, length, leafAt)
  const run = trx.updateTable('identifai.sync_runs').where('run_id', '=', runId)
  await run
    .set({
      notes_through: notes.at(-1)?.note_id ?? former.notesThrough,
      actions_through: actions.at(-1)?.action_id ?? former.actionsThrough,
      forced_now: JSON.stringify(await countForcedNow(trx, runId, former.forcedNow)),
      merkle_root: root.toString('hex'),
      leaf_count: length,
    })
    .execute()
  const chain = new RootHasher(await readSubtrees(trx, subtreesOf([0, former.position])))
  const nodes = chain.add(runLeaf({ ...(await sealedRowOf(trx, runId)), chain_position: position }))
  const head = { size: position, root: chain.root }
  const firstRunId = position === 1 ? runId : await readFirstRunId(trx)
  await run
    .set({
      chain_position: position,
      chain_nodes: nodes.map((hash) => hash.toString('hex')),
      chain_head: head.root.toString('hex'),
      chain_signature: signer?.sign(checkpointText(firstRunId, head)) ?? null,
    })
    .execute()
}

/** The newest sealed run: its position, 0 before the first, and the figures that the next one continues. */
async function newestSealed(db: Kysely<Database>) {
  const newest = await db
    .selectFrom('identifai.sync_runs')
    .select(['chain_position', 'notes_through', 'actions_through', 'forced_now'])
    .where('chain_position', 'is not', null)
    .orderBy('chain_position', 'desc')
    .limit(1)
    .executeTakeFirst()
  return {
    position: newest?.chain_position ?? 0,
    notesThrough: newest?.notes_through ?? 0,
    actionsThrough: newest?.actions_through ?? 0,
    forcedNow: (newest?.forced_now ?? []) as unknown as readonly LabelCount[],
  }
}

/** Inserts the leaves and returns the root of their tree. */
async function insertLeaves(
  trx: Transaction<Database>,
  position: number,
  count: number,
  leafAt: (leafNo: number) => Leaf,
): Promise<Buffer> {
  const tree = new RootHasher()
  for (let from = 0; from < count; from += LEAVES_AT_ONCE) {
    const length = Math.min(LEAVES_AT_ONCE, count - from)
    const chunk = Array.from({ length }, (_, offset) => leafAt(from + offset))
    for (const { hash } of chunk) tree.add(hash)
    // Raw SQL, because Kysely has no unnest over several arrays.
    await sql`
      insert into identifai.chain_leaves (chain_position, leaf_no, classification_id, revision_no, note_id, action_id,
        leaf_hash)
      select ${position}, ${from} + ordinality - 1, classification_id, revision_no, note_id, action_id, leaf_hash
      from unnest(
        ${chunk.map((leaf) => leaf.classification_id)}::bigint[],
        ${chunk.map((leaf) => leaf.revision_no)}::integer[],
        ${chunk.map((leaf) => leaf.note_id)}::bigint[],
        ${chunk.map((leaf) => leaf.action_id)}::bigint[],
        ${chunk.map((leaf) => leaf.hash.toString('hex'))}::text[]
      ) with ordinality as leaf (classification_id, revision_no, note_id, action_id, leaf_hash, ordinality)`.execute(
      trx,
    )
  }
  return tree.root
}
