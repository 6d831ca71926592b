import type { KeyObject } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { checkpointText, isSignedBy } from '../../pipeline/seal/checkpoint.ts'
import {
  type Leaf,
  noteLeaf,
  noteName,
  revisionLeaf,
  revisionName,
  runLeaf,
} from '../../pipeline/seal/leaf.ts'
import { RootHasher } from '../../pipeline/seal/merkle-tree.ts'
import { notesBetween, revisionsOf, sealedRuns, type SealedRunRow } from '../../pipeline/seal/read-rows.ts'
import type { JsonObject } from '../../platform/json.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { readByCursor } from '../../platform/postgres/read-by-cursor.ts'
import { compareLeaves } from './compare-leaves.ts'
import { type Finding, finding, type Given, timeProblem } from './findings.ts'
import { verifyPayloads } from './verify-payloads.ts'

export type ChainVerification = Awaited<ReturnType<typeof verifySnapshot>>

/**
 * Hashes the whole history again, run by run, and names everything that is not as it was sealed. Reads one snapshot and
 * writes nothing. It cannot detect that the newest runs were removed together with all that they sealed; a head that was
 * kept elsewhere can show that.
 *
 * @param given The head must be in the chain. The key must have signed the newest head, which covers all runs.
 */
export function verifyChain(db: Kysely<Database>, given: Given = {}): Promise<ChainVerification> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute((trx) => verifySnapshot(trx, given))
}

/** The same within a transaction of the caller. The keys of the result are those of the JSON output. */
export async function verifySnapshot(db: Kysely<Database>, { head, key }: Given = {}) {
  const { findings, counts, chain_head, first_run_id, given_head_at, notesThrough } = await verifyRuns(db, {
    head,
  })
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
  const payloads = await verifyPayloads(db)
  for (const found of payloads.findings) findings.push(found)
  return {
    ...counts,
    /** Payloads whose digest was compared. */
    payloads_checked: payloads.checked,
    /** Revisions whose payload is gone, or whose digest has an older definition. */
    payloads_not_checked: payloads.notChecked,
    /** Position of the run whose head was given; null when none was given, or no run has it. */
    given_head_at,
    /** Position of the newest head that the given key has signed, 0 for none; null when no key was given. */
    signed_through,
    /** Head of the newest run; null when no run was sealed yet. */
    chain_head,
    open_runs: await countOpenRuns(db),
    /** Notes that the next run seals. */
    unsealed_notes: await countNotesAfter(db, notesThrough),
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
  const counts = { runs: 0, revisions: 0, notes: 0 }
  let chain_head: string | null = null
  let first_run_id: string | undefined
  let given_head_at: number | null = null
  let former: Former = { position: 0, notesThrough: Number.MIN_SAFE_INTEGER, row: {} }
  const chain = new ChainVerifier()
  for await (const run of sealedRuns(db)) {
    if (run.chain_position > through) break
    const verified = await verifyRun(db, run, former)
    for (const found of [...verified.findings, ...chain.add(run)]) findings.push(found)
    counts.runs++
    counts.revisions += verified.revisions
    counts.notes += verified.notes
    former = verified.next
    first_run_id ??= run.row.run_id
    chain_head = run.chain_head
    if (chain_head === head) given_head_at = run.chain_position
  }
  findings.push(...(await unsealedRevisions(db)), ...(await orphanLeaves(db)))
  const { notesThrough } = former
  return { findings, counts, chain_head, first_run_id, given_head_at, notesThrough }
}

/** The sealed run before. */
interface Former {
  /** 0 before the first. */
  readonly position: number
  /** Highest note_id that it or an earlier one sealed. */
  readonly notesThrough: number
  readonly row: JsonObject
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

async function verifyRun(db: Kysely<Database>, run: SealedRunRow, former: Former) {
  const position = run.chain_position
  const notesThrough = Number(run.row.notes_through ?? 0)
  const findings: Finding[] = []
  const find = (what: string, problem: string | undefined, at = position) => {
    if (problem !== undefined) findings.push(finding(what, problem, at))
  }
  const notes = await notesBetween(db, former.notesThrough, notesThrough)
  let [revisions, leaves] = [0, 0]
  const tree = new RootHasher()
  async function* stored() {
    for await (const row of revisionsOf(db, run.row.run_id)) {
      revisions++
      find(revisionName(row.classification_id, row.revision_no), timeProblem(row, run.row, former.row))
      yield revisionLeaf(row)
    }
    for (const note of notes) {
      find(noteName(note.note_id), timeProblem(note, run.row, former.row))
      yield noteLeaf(note)
    }
  }
  async function* sealed() {
    for await (const leaf of sealedLeaves(db, position)) {
      tree.add(leaf.hash)
      leaves++
      yield leaf
    }
  }
  for (const difference of await compareLeaves(position, sealed(), stored())) findings.push(difference)
  if (tree.root.toString('hex') !== run.row.merkle_root || leaves !== run.row.leaf_count) {
    find(`run ${run.row.run_id}`, 'has leaves that do not give its root, because they were altered')
  }
  return { findings, revisions, notes: notes.length, next: { position, notesThrough, row: run.row } }
}

/** The leaves of the tree of a run, in order. */
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
