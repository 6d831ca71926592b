import type { KeyObject } from 'node:crypto'
import type { Kysely } from 'kysely'
import { checkpointText, isSignedBy } from '../../pipeline/seal/checkpoint.ts'
import { leafName, revisionName, runLeaf } from '../../pipeline/seal/leaf.ts'
import { RootHasher } from '../../pipeline/seal/merkle-tree.ts'
import type { SealedRunRow } from '../../pipeline/seal/read-rows.ts'
import type { JsonObject } from '../../platform/json.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { readByCursor } from '../../platform/postgres/read-by-cursor.ts'
import { compareLeaves } from './compare-leaves.ts'
import { type Finding, finding, type Given, timeCheck } from './findings.ts'
import { LeafDigests, leavesOf, type RunContents, runContents } from './run-contents.ts'
import { verifyForcedNow } from './verify-forced-now.ts'
import { verifyParts } from './verify-parts.ts'

export type ChainVerification = Awaited<ReturnType<typeof verifySnapshot>>

/**
 * Hashes the whole history again, run by run, and names everything that is not as it was sealed. Reads one snapshot and
 * writes nothing. It cannot detect that the newest runs were removed together with all that they sealed; a head that was
 * kept elsewhere can show that.
 *
 * @param given The head must be in the chain. The key must have signed the newest head, which covers all runs. With authorities,
 *   the chain must have a timestamp.
 */
export function verifyChain(db: Kysely<Database>, given: Given = {}): Promise<ChainVerification> {
  return inSnapshot(db, (trx) => verifySnapshot(trx, given))
}

/** Reads one snapshot. */
export function inSnapshot<T>(db: Kysely<Database>, read: (trx: Kysely<Database>) => Promise<T>): Promise<T> {
  return db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read)
}

/** The same within a transaction of the caller. The keys of the result are those of the JSON output. */
export async function verifySnapshot(db: Kysely<Database>, { head, key, authorities }: Given = {}) {
  const { findings, counts, last, first_run_id, given_head_at } = await verifyRuns(db, { head })
  if (head !== undefined && given_head_at === null)
    findings.push(finding(`head ${head}`, 'is not in the chain'))
  const signed_through = key === undefined ? null : await readSignedThrough(db, key, first_run_id)
  if (signed_through !== null && signed_through < counts.runs) {
    const unsigned = signed_through + 1
    findings.push(
      finding(
        `the chain from position ${unsigned} on`,
        'has no head that was signed with the given key',
        unsigned,
      ),
    )
  }
  const { findings: ofParts, ...parts } = await verifyParts(db)
  for (const found of ofParts) findings.push(found)
  // Loaded here, because a report does not need its packages.
  const { verifyTimestamps } = await import('./verify-timestamps.ts')
  const timestamps = await verifyTimestamps(db, first_run_id ?? '', authorities)
  findings.push(...timestamps.findings)
  if (authorities && timestamps.checked === 0) findings.push(finding('the chain', 'has no timestamp'))
  return {
    ...counts,
    ...parts,
    timestamps_checked: timestamps.checked,
    /** Time and chain position of the newest timestamp without a finding; null when there is none. */
    newest_timestamp: timestamps.newest,
    /** Position of the run whose head was given; null when none was given, or no run has it. */
    given_head_at,
    /** Position of the newest head that the given key has signed, 0 for none; null when no key was given. */
    signed_through,
    /** Head of the newest run; null when no run was sealed yet. */
    chain_head: last?.chain_head ?? null,
    open_runs: await countOpenRuns(db),
    /** Notes that the next run seals. */
    unsealed_notes: await countNotesAfter(db, Number(last?.row.notes_through ?? 0)),
    findings,
  }
}

/** The findings of the runs up to a position of the chain, and of all that they sealed; without the stored payloads. */
export async function verifyThrough(db: Kysely<Database>, position: number): Promise<readonly Finding[]> {
  return (await verifyRuns(db, { through: position })).findings
}

async function verifyRuns(
  db: Kysely<Database>,
  {
    through = Number.POSITIVE_INFINITY,
    head,
  }: { readonly through?: number; readonly head?: string | undefined },
) {
  const findings: Finding[] = []
  const counts = { runs: 0, revisions: 0, notes: 0, actions: 0 }
  let first_run_id: string | undefined
  let given_head_at: number | null = null
  let last: SealedRunRow | undefined
  const chain = new ChainVerifier()
  for await (const contents of runContents(db, through)) {
    const { run } = contents
    for (const found of await verifyRun(db, contents, last?.row ?? {}, counts)) findings.push(found)
    for (const found of chain.add(run)) findings.push(found)
    counts.runs++
    last = run
    first_run_id ??= run.row.run_id
    if (run.chain_head === head) given_head_at = run.chain_position
  }
  // With altered revisions, the counts are others, too.
  if (last && findings.length === 0) findings.push(...(await verifyForcedNow(db, last)))
  findings.push(...(await unsealedRevisions(db)), ...(await orphanLeaves(db)))
  return { findings, counts, last, first_run_id, given_head_at }
}

/** Compares each run with its leaf in the chain, and each head with the tree over the leaves up to it. */
class ChainVerifier {
  readonly #tree = new RootHasher()
  #size = 0
  /** False after the first head that does not follow, because no later one can follow then. */
  #follows = true

  add({ chain_position: position, chain_head, chain_nodes, row }: SealedRunRow): Finding[] {
    const what = `run ${row.run_id}`
    const findings: Finding[] = []
    const [stored = ''] = chain_nodes
    const expected = this.#size + 1
    if (position !== expected) {
      const missing = `${expected}${position - 1 > expected ? ` to ${position - 1}` : ''}`
      findings.push(finding(`the run at position ${missing}`, 'is missing', expected))
      this.#follows = false
    }
    this.#size = position
    if (runLeaf(row).toString('hex') !== stored)
      findings.push(finding(what, 'differs from its sealed form, because it was altered', position))
    if (!this.#follows) return findings
    // The tree has the stored leaf and not the computed one, so that one alteration is one finding.
    const completed = this.#tree.add(Buffer.from(stored, 'hex')).map((hash) => hash.toString('hex'))
    if (completed.join() !== chain_nodes.join() || this.#tree.root.toString('hex') !== chain_head) {
      findings.push(
        finding(
          what,
          'has a head that does not follow from the runs up to it. One of them was altered, removed or inserted; later heads cannot be compared',
          position,
        ),
      )
      this.#follows = false
    }
    return findings
  }
}

/** Compares the rows of a run with its root and its leaves; and counts them. */
async function verifyRun(
  db: Kysely<Database>,
  { run, pages, leafDigests, readAgain }: RunContents,
  former: JsonObject,
  counts: { revisions: number; notes: number; actions: number },
): Promise<Finding[]> {
  const position = run.chain_position
  const findings: Finding[] = []
  const problemOfTime = timeCheck(run.row, former)
  const [tree, digests] = [new RootHasher(), new LeafDigests()]
  let leaves = 0
  for await (const page of pages) {
    for (const { row, leaf } of page) {
      tree.add(leaf.hash)
      digests.add(leaf)
      leaves++
      counts[leaf.note_id !== null ? 'notes' : leaf.action_id !== null ? 'actions' : 'revisions']++
      const problem = problemOfTime(row)
      if (problem !== undefined) findings.push(finding(leafName(leaf), problem, position))
    }
  }
  const isSealed = tree.root.toString('hex') === run.row.merkle_root && leaves === run.row.leaf_count
  if (!isSealed || digests.text !== leafDigests) {
    for (const found of await compareWithLeaves(db, run, readAgain())) findings.push(found)
  }
  return findings
}

/** Names the rows of a run that differ from its leaves, and leaves that do not give its root. */
async function compareWithLeaves(
  db: Kysely<Database>,
  { chain_position: position, row: { run_id, merkle_root, leaf_count } }: SealedRunRow,
  rows: ReturnType<RunContents['readAgain']>,
): Promise<Finding[]> {
  const tree = new RootHasher()
  let count = 0
  async function* sealed() {
    for await (const leaf of leavesOf(db, position)) {
      tree.add(leaf.hash)
      count++
      yield leaf
    }
  }
  async function* stored() {
    for await (const { leaf } of rows) yield leaf
  }
  const findings = await compareLeaves(position, sealed(), stored())
  const isTree = tree.root.toString('hex') === merkle_root && count === leaf_count
  // Without another finding, the leaves have other numbers.
  if (isTree && findings.length > 0) return findings
  const problem = 'has leaves that do not give its root, because they were altered'
  return [...findings, finding(`run ${run_id}`, problem, position)]
}

/** Revisions of runs that are neither sealed nor under way. */
async function unsealedRevisions(db: Kysely<Database>): Promise<Finding[]> {
  const rows = await db
    .with(
      (cte) => cte('known').materialized(),
      (cte) =>
        cte
          .selectFrom('identifai.sync_runs')
          .select('run_id')
          .where((eb) => eb.or([eb('chain_position', 'is not', null), eb('status', '=', 'running')])),
    )
    .selectFrom('identifai.classification_revisions as r')
    .leftJoin('known', 'known.run_id', 'r.run_id')
    .select(['r.classification_id', 'r.revision_no', 'r.run_id'])
    .where('known.run_id', 'is', null)
    .orderBy('r.classification_id')
    .orderBy('r.revision_no')
    .limit(1000)
    .execute()
  return rows.map(({ classification_id, revision_no, run_id }) =>
    finding(
      revisionName(classification_id, revision_no),
      `belongs to run ${run_id}, which was never sealed. Either it was inserted, or its run was removed`,
    ),
  )
}

/** Leaves whose run is missing. */
async function orphanLeaves(db: Kysely<Database>): Promise<Finding[]> {
  const rows = await db
    .selectFrom('identifai.chain_leaves as l')
    .leftJoin('identifai.sync_runs as s', 's.chain_position', 'l.chain_position')
    .select('l.chain_position')
    .distinct()
    .where('s.run_id', 'is', null)
    .orderBy('l.chain_position')
    .execute()
  const problem = 'has leaves but no row, because it was removed'
  return rows.map(({ chain_position: at }) => finding(`the run at position ${at}`, problem, at))
}

/** The position of the newest head that a key has signed; 0 when there is none. The heads are verified elsewhere. */
async function readSignedThrough(db: Kysely<Database>, key: KeyObject, firstRunId = ''): Promise<number> {
  const heads = db
    .selectFrom('identifai.sync_runs')
    .select(['chain_position', 'chain_head', 'chain_signature'])
    .where('chain_signature', 'is not', null)
    .where('chain_position', 'is not', null)
    .orderBy('chain_position', 'desc')
  for await (const { chain_position, chain_head, chain_signature } of readByCursor(db, heads)) {
    const head = { size: Number(chain_position), root: Buffer.from(chain_head ?? '', 'hex') }
    if (isSignedBy(checkpointText(firstRunId, head), chain_signature ?? '', key)) return head.size
  }
  return 0
}

async function countNotesAfter(db: Kysely<Database>, noteId: number): Promise<number> {
  const { notes } = await db
    .selectFrom('identifai.override_notes')
    .select(({ fn }) => fn.countAll<number>().as('notes'))
    .where('note_id', '>', noteId)
    .executeTakeFirstOrThrow()
  return notes
}

/** Counts the runs that are under way, or whose process died: their changes are not sealed yet. */
async function countOpenRuns(db: Kysely<Database>): Promise<number> {
  const { runs } = await db
    .selectFrom('identifai.sync_runs')
    .select(({ fn }) => fn.countAll<number>().as('runs'))
    .where('status', '=', 'running')
    .executeTakeFirstOrThrow()
  return runs
}
