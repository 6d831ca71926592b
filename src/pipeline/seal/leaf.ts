import { canonicalJson } from '../../platform/canonical-json.ts'
import type { JsonObject } from '../../platform/json.ts'
import { leafHash } from './merkle-tree.ts'
import type { SealedAction, SealedNote, SealedRevision } from './read-rows.ts'

/** One leaf of the tree of a run: the key of its row, and its hash. */
export interface Leaf {
  readonly classification_id: number | null
  readonly revision_no: number | null
  readonly note_id: number | null
  readonly action_id: number | null
  readonly hash: Buffer
}

/** The leaf of a revision: the RFC 8785 JSON of all its columns. */
export function revisionLeaf(row: SealedRevision): Leaf {
  const { classification_id, revision_no } = row
  return { ...NO_KEY, classification_id, revision_no, hash: hashOf(row) }
}

/** The leaf of a note: the RFC 8785 JSON of all its columns. */
export function noteLeaf(row: SealedNote): Leaf {
  return { ...NO_KEY, note_id: row.note_id, hash: hashOf(row) }
}

/** The leaf of an action: the RFC 8785 JSON of all its columns. */
export function actionLeaf(row: SealedAction): Leaf {
  return { ...NO_KEY, action_id: row.action_id, hash: hashOf(row) }
}

const NO_KEY = { classification_id: null, revision_no: null, note_id: null, action_id: null }

/** The leaf of a run in the chain: the RFC 8785 JSON of its sealed columns, the root of its own tree included. */
export function runLeaf(row: JsonObject): Buffer {
  return hashOf(row)
}

/** Name of a revision in findings; it identifies its leaf, too. */
export function revisionName(classificationId: number | null, revisionNo: number | null): string {
  return `revision ${revisionNo} of classification ${classificationId}`
}

/** Name of a note in findings. */
export function noteName(noteId: number): string {
  return `note ${noteId}`
}

/** Name of an action in findings. */
function actionName(actionId: number): string {
  return `action ${actionId}`
}

/** Name of the row of a leaf. */
export function leafName({ classification_id, revision_no, note_id, action_id }: Omit<Leaf, 'hash'>): string {
  if (note_id !== null) return noteName(note_id)
  return action_id === null ? revisionName(classification_id, revision_no) : actionName(action_id)
}

/** A row without a JSON form, such as one with NaN, was never sealed: it gets a hash that no row has. */
function hashOf(row: JsonObject): Buffer {
  try {
    return leafHash(canonicalJson(row))
  } catch {
    return leafHash('')
  }
}

const HASH_BYTES = 32

/** The leaves of a run's revisions, without an object for each, because there may be millions. */
export class RevisionLeaves {
  readonly #ids: number[] = []
  readonly #revisionNos: number[] = []
  #hashes = Buffer.alloc(HASH_BYTES * 1024)

  get length(): number {
    return this.#ids.length
  }

  add(classificationId: number, revisionNo: number, hash: Buffer): void {
    const end = this.length * HASH_BYTES
    if (end === this.#hashes.length) this.#hashes = Buffer.concat([this.#hashes], 2 * end)
    hash.copy(this.#hashes, end)
    this.#ids.push(classificationId)
    this.#revisionNos.push(revisionNo)
  }

  at(leafNo: number): Leaf {
    return {
      ...NO_KEY,
      classification_id: this.#ids[leafNo] as number,
      revision_no: this.#revisionNos[leafNo] as number,
      hash: this.#hashes.subarray(leafNo * HASH_BYTES, (leafNo + 1) * HASH_BYTES),
    }
  }
}
