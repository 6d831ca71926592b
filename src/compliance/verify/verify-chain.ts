import { type Kysely, sql } from 'kysely'
import type { Database } from '../../platform/postgres/database.ts'
import { readByCursor } from '../../platform/postgres/read-by-cursor.ts'
import type { Endpoint } from '../../media/endpoint.ts'
import { chainHead, GENESIS, type Link } from '../../pipeline/seal/chain-head.ts'
import { compareLeaves } from './compare-leaves.ts'
import { type ChainReport, type Finding, finding } from './findings.ts'
import type { JsonObject } from '../../platform/json.ts'
import { type Leaf, noteLeaf, noteName, revisionLeaf, revisionName } from '../../pipeline/seal/leaf.ts'
import { outsideRun } from './outside-run.ts'
import { RootHasher } from '../../pipeline/seal/merkle-tree.ts'
import { notesBetween, revisionsOf, sealedRuns, type SealedRunRow } from '../../pipeline/seal/read-rows.ts'
import { verifyPayloads } from './verify-payloads.ts'

/**
 * Hashes the whole history anew, run by run, and names what is not as it was sealed. Reads one snapshot, and writes
 * nothing. What it cannot see: that the newest runs were removed together with all they sealed. For that a head has to be
 * kept elsewhere.
 *
 * @param head A chain head that was noted earlier; it has to be in the chain.
 */
export async function verifyChain(
  db: Kysely<Database>,
  endpoint: Endpoint,
  head?: string,
): Promise<ChainReport> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((trx) => verifySnapshot(trx, endpoint, head))
}

/** The same, on whatever the connection sees. */
export async function verifySnapshot(
  db: Kysely<Database>,
  endpoint: Endpoint,
  head?: string,
): Promise<ChainReport> {
  const findings: Finding[] = []
  const counts = { runs: 0, revisions: 0, notes: 0 }
  let newestHead: string | null = null
  let givenHeadAt: number | null = null
  let former: Former = { position: 0, head: GENESIS, notesThrough: Number.MIN_SAFE_INTEGER, row: {} }
  for await (const run of sealedRuns(db)) {
    const checked = await verifyRun(db, run, former)
    for (const found of checked.findings) findings.push(found)
    counts.runs++
    counts.revisions += checked.revisions
    counts.notes += checked.notes
    former = checked.link
    newestHead = run.chain_head
    if (run.chain_head === head) givenHeadAt = run.chain_position
  }
  findings.push(...(await unsealedRevisions(db)), ...(await orphanLeaves(db)))
  if (head !== undefined && givenHeadAt === null)
    findings.push(finding(`head ${head}`, 'is not in the chain'))
  const payloads = await verifyPayloads(db, endpoint)
  for (const found of payloads.findings) findings.push(found)
  return {
    ...counts,
    payloads_checked: payloads.checked,
    payloads_not_checked: payloads.notChecked,
    given_head_at: givenHeadAt,
    chain_head: newestHead,
    open_runs: await countOpenRuns(db),
    findings,
  }
}

/** The link before, and its run as it was sealed. */
type Former = Link & { readonly row: JsonObject }

async function verifyRun(db: Kysely<Database>, run: SealedRunRow, former: Former) {
  const position = run.chain_position
  const notesThrough = Number(run.row.notes_through ?? 0)
  const findings: Finding[] = []
  const checkTime = (name: string, row: JsonObject) => {
    const problem = outsideRun(row, run.row, former.row)
    if (problem !== undefined) findings.push({ chain_position: position, what: name, problem })
  }
  const notes = await notesBetween(db, former.notesThrough, notesThrough)
  let revisions = 0
  const tree = new RootHasher()
  async function* found() {
    for await (const row of revisionsOf(db, run.row.run_id)) {
      revisions++
      checkTime(revisionName(row.classification_id, row.revision_no), row)
      yield revisionLeaf(row)
    }
    for (const note of notes) {
      checkTime(noteName(note.note_id), note)
      yield noteLeaf(note)
    }
  }
  async function* sealed() {
    for await (const leaf of sealedLeaves(db, position)) {
      tree.add(leaf.hash)
      yield leaf
    }
  }
  for (const difference of await compareLeaves(position, sealed(), found())) findings.push(difference)
  const what = `run ${run.row.run_id}`
  if (position !== former.position + 1) {
    const missing = `${former.position + 1}${position - 1 > former.position + 1 ? ` to ${position - 1}` : ''}`
    findings.push({
      chain_position: former.position + 1,
      what: `the run at position ${missing}`,
      problem: 'is not there any more',
    })
  }
  if (tree.root.toString('hex') !== run.merkle_root) {
    findings.push({
      chain_position: position,
      what,
      problem: 'has leaves that do not make its root: they have been altered',
    })
  }
  const head = chainHead(former.head, Buffer.from(run.merkle_root, 'hex'), run.row)
  if (head.toString('hex') !== run.chain_head) {
    findings.push({
      chain_position: position,
      what,
      problem:
        'does not follow from the link before: it, or what stood before it, has been altered, removed or inserted',
    })
  }
  // The link goes on from what is written, so that one break is one finding.
  const link = { position, head: Buffer.from(run.chain_head, 'hex'), notesThrough, row: run.row }
  return { findings, revisions, notes: notes.length, link }
}

/** The leaves of a link in their order. */
async function* sealedLeaves(db: Kysely<Database>, position: number): AsyncGenerator<Leaf> {
  const leaves = db
    .selectFrom('identifai.chain_leaves')
    .select(['classification_id', 'revision_no', 'note_id', 'leaf_hash'])
    .where('chain_position', '=', position)
    .orderBy('leaf_no')
  for await (const { leaf_hash, ...key } of readByCursor(db, leaves)) {
    yield { ...key, hash: Buffer.from(leaf_hash, 'hex') }
  }
}

/** Revisions of runs that are neither sealed nor under way. */
async function unsealedRevisions(db: Kysely<Database>): Promise<Finding[]> {
  const rows = await db
    .selectFrom('identifai.classification_revisions as r')
    .leftJoin('identifai.sync_runs as s', 's.run_id', 'r.run_id')
    .select(['r.classification_id', 'r.revision_no', 'r.run_id'])
    .where('s.chain_position', 'is', null)
    .where(sql<boolean>`s.status is distinct from 'running'`)
    .orderBy('r.classification_id')
    .orderBy('r.revision_no')
    .limit(1000)
    .execute()
  return rows.map(({ classification_id, revision_no, run_id }) =>
    finding(
      revisionName(classification_id, revision_no),
      `belongs to run ${run_id}, which was never sealed: it has been inserted, or its run removed`,
    ),
  )
}

/** Leaves of runs that are not there. */
async function orphanLeaves(db: Kysely<Database>): Promise<Finding[]> {
  const rows = await db
    .selectFrom('identifai.chain_leaves as l')
    .leftJoin('identifai.sync_runs as s', 's.chain_position', 'l.chain_position')
    .select('l.chain_position')
    .distinct()
    .where('s.run_id', 'is', null)
    .orderBy('l.chain_position')
    .execute()
  return rows.map(({ chain_position }) => ({
    chain_position,
    what: `the run at position ${chain_position}`,
    problem: 'has left its leaves only: it has been removed',
  }))
}

/** Runs that are under way, or whose process died: what they saw is not sealed yet. */
async function countOpenRuns(db: Kysely<Database>): Promise<number> {
  const { runs } = await db
    .selectFrom('identifai.sync_runs')
    .select(({ fn }) => fn.countAll<number>().as('runs'))
    .where('status', '=', 'running')
    .executeTakeFirstOrThrow()
  return runs
}
