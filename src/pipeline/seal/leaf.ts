import { canonicalJson } from '../../platform/canonical-json.ts'
import type { JsonObject } from '../../platform/json.ts'
import { leafHash } from './merkle-tree.ts'
import type { SealedNote, SealedRevision } from './read-rows.ts'

/** One leaf of the tree of a run: the key of its row, and its hash. */
export interface Leaf {
  readonly classification_id: number | null
  readonly revision_no: number | null
  readonly note_id: number | null
  readonly hash: Buffer
}

/** The leaf of a revision: the RFC 8785 JSON of all its columns. */
export function revisionLeaf(row: SealedRevision): Leaf {
  const { classification_id, revision_no } = row
  return { classification_id, revision_no, note_id: null, hash: hashOf(row) }
}

/** The leaf of a note: the RFC 8785 JSON of all its columns. */
export function noteLeaf(row: SealedNote): Leaf {
  return { classification_id: null, revision_no: null, note_id: row.note_id, hash: hashOf(row) }
}

/** Name of a revision in findings; it identifies its leaf, too. */
export function revisionName(classificationId: number | null, revisionNo: number | null): string {
  return `revision ${revisionNo} of classification ${classificationId}`
}

/** Name of a note in findings. */
export function noteName(noteId: number): string {
  return `note ${noteId}`
}

/** Name of the row of a leaf. */
export function leafName({ classification_id, revision_no, note_id }: Omit<Leaf, 'hash'>): string {
  return note_id === null ? revisionName(classification_id, revision_no) : noteName(note_id)
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
const PAGE = 4096

/** The leaves of a run's revisions, packed into 44 bytes each, because there may be millions. */
export class RevisionLeaves {
  length = 0
  readonly #pages: Page[] = []

  add(classificationId: number, revisionNo: number, hash: Buffer): void {
    const [pageNo, slot] = slotOf(this.length)
    const page = (this.#pages[pageNo] ??= emptyPage())
    page.ids[slot] = classificationId
    page.numbers[slot] = revisionNo
    hash.copy(page.hashes, slot * HASH_BYTES)
    this.length++
  }

  at(leafNo: number): Leaf {
    const [pageNo, slot] = slotOf(leafNo)
    const { ids, numbers, hashes } = this.#pages[pageNo] as Page
    return {
      classification_id: ids[slot] as number,
      revision_no: numbers[slot] as number,
      note_id: null,
      hash: hashes.subarray(slot * HASH_BYTES, (slot + 1) * HASH_BYTES),
    }
  }
}

interface Page {
  readonly ids: Float64Array
  readonly numbers: Int32Array
  readonly hashes: Buffer
}

function emptyPage(): Page {
  return {
    ids: new Float64Array(PAGE),
    numbers: new Int32Array(PAGE),
    hashes: Buffer.alloc(PAGE * HASH_BYTES),
  }
}

function slotOf(leafNo: number): [pageNo: number, slot: number] {
  return [Math.floor(leafNo / PAGE), leafNo % PAGE]
}
