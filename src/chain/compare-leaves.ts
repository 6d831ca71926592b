import { type Leaf, noteName, revisionName } from './leaf.ts'
import type { Finding } from './findings.ts'

/**
 * Holds the rows that are there against the leaves that were sealed; equal ones have no findings. Both come as they were
 * sealed, revisions by key and then notes, so that only what has no counterpart in its place is kept in memory.
 */
export async function compareLeaves(
  position: number,
  sealed: AsyncGenerator<Leaf>,
  found: AsyncGenerator<Leaf>,
): Promise<Finding[]> {
  const altered: Finding[] = []
  const [alone, strange]: [Leaf[], Leaf[]] = [[], []]
  let [was, is] = [await sealed.next(), await found.next()]
  while (!was.done || !is.done) {
    const order = was.done ? 1 : is.done ? -1 : compareKeys(was.value, is.value)
    if (order < 0) alone.push(was.value)
    else if (order > 0) strange.push(is.value)
    else if (!was.value.hash.equals(is.value.hash)) altered.push(finding(position, was.value, ALTERED))
    if (order <= 0) was = await sealed.next()
    if (order >= 0) is = await found.next()
  }
  return [...altered, ...compareUnordered(position, alone, strange)]
}

/** The same for leaves in any order. */
function compareUnordered(position: number, sealed: readonly Leaf[], found: readonly Leaf[]): Finding[] {
  const there = new Map(found.map((leaf) => [nameOf(leaf), leaf]))
  const known = new Set(sealed.map(nameOf))
  return [
    ...sealed.flatMap((leaf) => {
      const now = there.get(nameOf(leaf))
      if (!now) return [finding(position, leaf, 'was sealed, and is not there any more')]
      return now.hash.equals(leaf.hash) ? [] : [finding(position, leaf, ALTERED)]
    }),
    ...found
      .filter((leaf) => !known.has(nameOf(leaf)))
      .map((leaf) => finding(position, leaf, 'was not sealed: it has been inserted')),
  ]
}

const ALTERED = 'is not what was sealed: it has been altered'

function finding(position: number, leaf: Leaf, problem: string): Finding {
  return { chain_position: position, what: nameOf(leaf), problem }
}

/** In the order of sealing; a leaf is of a revision or of a note. */
function compareKeys(one: Leaf, other: Leaf): number {
  return (
    (one.note_id ?? 0) - (other.note_id ?? 0) ||
    (one.classification_id ?? 0) - (other.classification_id ?? 0) ||
    (one.revision_no ?? 0) - (other.revision_no ?? 0)
  )
}

function nameOf({ classification_id, revision_no, note_id }: Leaf): string {
  return note_id === null ? revisionName(classification_id, revision_no) : noteName(note_id)
}
