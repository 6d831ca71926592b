import { canonicalJson } from '../../platform/canonical-json.ts'
import type { JsonObject } from '../../platform/json.ts'
import { leafHash } from './merkle-tree.ts'
import type { SealedNote, SealedRevision } from './read-rows.ts'

/** One leaf of the tree of a run: the row that it stands for, and its hash. */
export interface Leaf {
  readonly classification_id: number | null
  readonly revision_no: number | null
  readonly note_id: number | null
  readonly hash: Buffer
}

/** A revision stands for itself as RFC 8785 JSON of all its columns. */
export function revisionLeaf(row: SealedRevision): Leaf {
  const { classification_id, revision_no } = row
  return { classification_id, revision_no, note_id: null, hash: hashOf(row) }
}

/** A note stands for itself likewise. */
export function noteLeaf(row: SealedNote): Leaf {
  return { classification_id: null, revision_no: null, note_id: row.note_id, hash: hashOf(row) }
}

/** What a revision is called in findings; it names its leaf, too. */
export function revisionName(classificationId: number | null, revisionNo: number | null): string {
  return `revision ${revisionNo} of classification ${classificationId}`
}

/** What a note is called likewise. */
export function noteName(noteId: number): string {
  return `note ${noteId}`
}

/** What the row of a leaf is called. */
export function leafName({ classification_id, revision_no, note_id }: Omit<Leaf, 'hash'>): string {
  return note_id === null ? revisionName(classification_id, revision_no) : noteName(note_id)
}

/** What has no JSON, a number that is none, was never sealed: its hash is that of no row. */
function hashOf(row: JsonObject): Buffer {
  try {
    return leafHash(canonicalJson(row))
  } catch {
    return leafHash('')
  }
}
