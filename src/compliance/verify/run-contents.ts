import type { Kysely } from 'kysely'
import { type Leaf, noteLeaf, actionLeaf, revisionLeaf } from '../../pipeline/seal/leaf.ts'
import {
  actionsBetween,
  notesBetween,
  revisionsOf,
  type SealedAction,
  type SealedNote,
  type SealedRevision,
  sealedRuns,
  type SealedRunRow,
} from '../../pipeline/seal/read-rows.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { readByCursor } from '../../platform/postgres/read-by-cursor.ts'

/** Leaves that the runs of one batch have together, unless it is one large run. */
const LEAVES_AT_ONCE = 5000

/** The contents of a sealed run. Both streams have to be read to their ends before the next run. */
export interface RunContents {
  readonly run: SealedRunRow
  /** The leaves of its tree, in order. */
  readonly leaves: AsyncGenerator<Leaf>
  /** The rows of the run as they are now, in the order of sealing. */
  readonly rows: AsyncGenerator<StoredRow>
}

/** A row, and the leaf that it gives. */
interface StoredRow {
  readonly row: SealedRevision | SealedNote | SealedAction
  readonly leaf: Leaf
}

/** The sealed runs up to a position with their contents, in the order of the chain. Many small runs take a few statements. */
export async function* runContents(db: Kysely<Database>, through: number): AsyncGenerator<RunContents> {
  // The first run has no lower bound, so that a row with an invalid id is read, too.
  let [notesAfter, actionsAfter] = [Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]
  for await (const batch of batchesOf(sealedRuns(db), through)) {
    const leaves = new Groups(leavesOf(db, batch), ({ chain_position }) => chain_position)
    const ids = batch.map(({ row }) => row.run_id)
    const revisions = new Groups(revisionsOf(db, ids), ({ run_id }) => run_id)
    const notes = await notesBetween(db, notesAfter, greatest(batch, notesThrough))
    const actions = await actionsBetween(db, actionsAfter, greatest(batch, actionsThrough))
    for (const run of batch) {
      const own = {
        notes: notes.filter(({ note_id }) => note_id > notesAfter && note_id <= notesThrough(run)),
        actions: actions.filter(
          ({ action_id }) => action_id > actionsAfter && action_id <= actionsThrough(run),
        ),
      }
      yield {
        run,
        leaves: leaves.take(run.chain_position),
        rows: storedRows(revisions.take(run.row.run_id), own),
      }
      ;[notesAfter, actionsAfter] = [notesThrough(run), actionsThrough(run)]
    }
  }
}

function notesThrough({ row }: SealedRunRow): number {
  return Number(row.notes_through ?? 0)
}

function actionsThrough({ row }: SealedRunRow): number {
  return Number(row.actions_through ?? 0)
}

function greatest(runs: readonly SealedRunRow[], of: (run: SealedRunRow) => number): number {
  return runs.reduce((max, run) => Math.max(max, of(run)), Number.MIN_SAFE_INTEGER)
}

async function* batchesOf(
  runs: AsyncGenerator<SealedRunRow>,
  through: number,
): AsyncGenerator<readonly SealedRunRow[]> {
  let [batch, leaves]: [SealedRunRow[], number] = [[], 0]
  for await (const run of runs) {
    if (run.chain_position > through) break
    leaves += 1 + run.row.leaf_count
    if (batch.length > 0 && leaves > LEAVES_AT_ONCE) {
      yield batch
      ;[batch, leaves] = [[], 1 + run.row.leaf_count]
    }
    batch.push(run)
  }
  if (batch.length > 0) yield batch
}

async function* storedRows(
  revisions: AsyncGenerator<SealedRevision>,
  { notes, actions }: { readonly notes: readonly SealedNote[]; readonly actions: readonly SealedAction[] },
): AsyncGenerator<StoredRow> {
  for await (const row of revisions) yield { row, leaf: revisionLeaf(row) }
  for (const row of notes) yield { row, leaf: noteLeaf(row) }
  for (const row of actions) yield { row, leaf: actionLeaf(row) }
}

async function* leavesOf(
  db: Kysely<Database>,
  runs: readonly SealedRunRow[],
): AsyncGenerator<Leaf & { readonly chain_position: number }> {
  const positions = runs.map(({ chain_position }) => chain_position)
  const leaves = db
    .selectFrom('identifai.chain_leaves')
    .select(['chain_position', 'classification_id', 'revision_no', 'note_id', 'action_id', 'leaf_hash'])
    .where('chain_position', 'in', positions)
    .orderBy('chain_position')
    .orderBy('leaf_no')
  for await (const { leaf_hash, ...key } of readByCursor(db, leaves)) {
    yield { ...key, hash: Buffer.from(leaf_hash, 'hex') }
  }
}

/** Splits a stream whose elements with the same key come together. */
class Groups<Element> {
  readonly #stream: AsyncGenerator<Element>
  readonly #keyOf: (element: Element) => unknown
  #next: Promise<IteratorResult<Element>> | undefined

  constructor(stream: AsyncGenerator<Element>, keyOf: (element: Element) => unknown) {
    this.#stream = stream
    this.#keyOf = keyOf
  }

  /** The elements with a key; none when the stream is at another one. */
  async *take(key: unknown): AsyncGenerator<Element> {
    for (;;) {
      this.#next ??= this.#stream.next()
      const { done, value } = await this.#next
      if (done || this.#keyOf(value) !== key) return
      this.#next = undefined
      yield value
    }
  }
}
