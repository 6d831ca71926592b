import { type Leaf, noteName, revisionName } from './leaf.ts'
import type { Finding } from './findings.ts'

/** Holds the rows that are there against the leaves that were sealed; equal lists have no findings. */
export function compareLeaves(position: number, sealed: readonly Leaf[], found: readonly Leaf[]): Finding[] {
  const there = new Map(found.map((leaf) => [nameOf(leaf), leaf]))
  const known = new Set(sealed.map(nameOf))
  const finding = (leaf: Leaf, problem: string) => ({ chain_position: position, what: nameOf(leaf), problem })
  return [
    ...sealed.flatMap((leaf) => {
      const now = there.get(nameOf(leaf))
      if (!now) return [finding(leaf, 'was sealed, and is not there any more')]
      return now.hash.equals(leaf.hash) ? [] : [finding(leaf, 'is not what was sealed: it has been altered')]
    }),
    ...found
      .filter((leaf) => !known.has(nameOf(leaf)))
      .map((leaf) => finding(leaf, 'was not sealed: it has been inserted')),
  ]
}

function nameOf({ classification_id, revision_no, note_id }: Leaf): string {
  return note_id === null ? revisionName(classification_id, revision_no) : noteName(note_id)
}
