import { hash as digest } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { actionLeaf, type Leaf, noteLeaf, revisionLeaf } from '../../pipeline/seal/leaf.ts'
import {
  actionsBetween,
  notesBetween,
  revisionPagesOf,
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

/** Leaves of one digest: PostgreSQL has their texts in memory together. */
const LEAVES_OF_DIGEST = 100_000

/** The contents of a sealed run. */
export interface RunContents {
  readonly run: SealedRunRow
  /** The rows of the run as they are now, in the order of sealing. They have to be read to their end before the next run. */
  readonly pages: AsyncGenerator<readonly StoredRow[]>
  /** The digests of its leaves. */
  readonly leafDigests: string
  /** Reads the rows again, one by one. */
  readonly readAgain: () => AsyncGenerator<StoredRow>
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
    const digests = await readLeafDigests(db, batch)
    const ids = batch.map(({ row }) => row.run_id)
    const revisions = new Groups(revisionPagesOf(db, ids), ({ run_id }) => run_id)
    const notes = await notesBetween(db, notesAfter, greatest(batch, notesThrough))
    const actions = await actionsBetween(db, actionsAfter, greatest(batch, actionsThrough))
    for (const run of batch) {
      const [notesFrom, actionsFrom] = [notesAfter, actionsAfter]
      const own = {
        notes: notes.filter(({ note_id }) => note_id > notesFrom && note_id <= notesThrough(run)),
        actions: actions.filter(
          ({ action_id }) => action_id > actionsFrom && action_id <= actionsThrough(run),
        ),
      }
      const { run_id } = run.row
      yield {
        run,
        pages: storedPages(revisions.take(run_id), own),
        leafDigests: digests.get(run.chain_position) ?? '',
        readAgain: () => rowsOf(storedPages(revisionPagesOf(db, [run_id]), own)),
      }
      ;[notesAfter, actionsAfter] = [notesThrough(run), actionsThrough(run)]
    }
  }
}

/** Digests leaves as `readLeafDigests` does. */
export class LeafDigests {
  #text = ''
  #count = 0
  readonly #digests: string[] = []

  add({ classification_id, revision_no, note_id, action_id, hash }: Leaf): void {
    const key = `${classification_id ?? ''},${revision_no ?? ''},${note_id ?? ''},${action_id ?? ''}`
    this.#text += `${this.#count},${key},${hash.toString('hex')}\n`
    if (++this.#count % LEAVES_OF_DIGEST === 0) this.#end()
  }

  get text(): string {
    if (this.#text !== '') this.#end()
    return this.#digests.join()
  }

  #end(): void {
    this.#digests.push(digest('sha256', this.#text))
    this.#text = ''
  }
}

/** Digests the leaves of some runs, so that they need not be read where the rows give the same. */
async function readLeafDigests(
  db: Kysely<Database>,
  runs: readonly SealedRunRow[],
): Promise<ReadonlyMap<number, string>> {
  const { rows } = await sql<{ chain_position: number; digests: string }>`
    select chain_position, string_agg(digest, ',' order by part) as digests
    from (
      select chain_position, leaf_no / ${LEAVES_OF_DIGEST}::integer as part,
        encode(sha256(convert_to(string_agg(concat(leaf_no, ',', classification_id, ',', revision_no, ',', note_id, ',',
          action_id, ',', leaf_hash, E'\\n'), '' order by leaf_no), 'UTF8')), 'hex') as digest
      from identifai.chain_leaves
      where chain_position = any(${runs.map(({ chain_position }) => chain_position)}::integer[])
      group by chain_position, part) as parts
    group by chain_position`.execute(db)
  return new Map(rows.map(({ chain_position, digests }) => [chain_position, digests]))
}

/** The leaves of the tree of a run, in order. */
export async function* leavesOf(db: Kysely<Database>, position: number): AsyncGenerator<Leaf> {
  const leaves = db
    .selectFrom('identifai.chain_leaves')
    .select(['classification_id', 'revision_no', 'note_id', 'action_id', 'leaf_hash'])
    .where('chain_position', '=', position)
    .orderBy('leaf_no')
  for await (const { leaf_hash, ...key } of readByCursor(db, leaves)) {
    yield { ...key, hash: Buffer.from(leaf_hash, 'hex') }
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

async function* storedPages(
  revisions: AsyncGenerator<readonly SealedRevision[]>,
  { notes, actions }: { readonly notes: readonly SealedNote[]; readonly actions: readonly SealedAction[] },
): AsyncGenerator<readonly StoredRow[]> {
  for await (const page of revisions) yield page.map((row) => ({ row, leaf: revisionLeaf(row) }))
  yield notes.map((row) => ({ row, leaf: noteLeaf(row) }))
  yield actions.map((row) => ({ row, leaf: actionLeaf(row) }))
}

async function* rowsOf<Row>(pages: AsyncGenerator<readonly Row[]>): AsyncGenerator<Row> {
  for await (const page of pages) yield* page
}

/** Splits pages, in which the elements with the same key come together. */
class Groups<Element> {
  readonly #pages: AsyncGenerator<readonly Element[]>
  readonly #keyOf: (element: Element) => unknown
  #rest: readonly Element[] = []
  #isAtEnd = false

  constructor(pages: AsyncGenerator<readonly Element[]>, keyOf: (element: Element) => unknown) {
    this.#pages = pages
    this.#keyOf = keyOf
  }

  /** The elements with a key; none when the next one has another. */
  async *take(key: unknown): AsyncGenerator<readonly Element[]> {
    for (;;) {
      if (this.#rest.length === 0 && !this.#isAtEnd) {
        const { done = false, value } = await this.#pages.next()
        ;[this.#isAtEnd, this.#rest] = [done, done ? [] : (value as readonly Element[])]
      }
      const end = this.#rest.findIndex((element) => this.#keyOf(element) !== key)
      const own = end === -1 ? this.#rest : this.#rest.slice(0, end)
      this.#rest = end === -1 ? [] : this.#rest.slice(end)
      if (own.length > 0) yield own
      if (end !== -1 || this.#isAtEnd) return
    }
  }
}
