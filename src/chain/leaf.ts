import { canonicalJson } from '../canonical-json.ts'
import type { JsonObject } from '../json.ts'
import { leafHash } from './merkle-tree.ts'

/** One leaf of the tree of a run: the row that it stands for, and its hash. */
export interface Leaf {
  readonly classification_id: number | null
  readonly revision_no: number | null
  readonly note_id: number | null
  readonly hash: Buffer
}

/** A revision stands for itself as RFC 8785 JSON of all its columns. */
export function revisionLeaf(
  row: JsonObject & { readonly classification_id: number; readonly revision_no: number },
): Leaf {
  const { classification_id, revision_no } = row
  return { classification_id, revision_no, note_id: null, hash: leafHash(canonicalJson(row)) }
}

/** A note stands for itself likewise. */
export function noteLeaf(row: JsonObject & { readonly note_id: number }): Leaf {
  return {
    classification_id: null,
    revision_no: null,
    note_id: row.note_id,
    hash: leafHash(canonicalJson(row)),
  }
}
