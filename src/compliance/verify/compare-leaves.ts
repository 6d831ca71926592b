import { type Leaf, leafName } from '../../pipeline/seal/leaf.ts'
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
  const [alone, strange]: [Leaf[], Leaf[]] = [[], []]
  let [was, is] = [await sealed.next(), await found.next()]
  while (!was.done && !is.done) {
    const order = compareKeys(was.value, is.value)
    const isSame = order === 0 && was.value.hash.equals(is.value.hash)
    if (order <= 0) {
      if (!isSame) alone.push(was.value)
      was = await sealed.next()
    }
    if (order >= 0) {
      if (!isSame) strange.push(is.value)
      is = await found.next()
    }
  }
  for (; !was.done; was = await sealed.next()) alone.push(was.value)
  for (; !is.done; is = await found.next()) strange.push(is.value)
  return compareUnordered(position, alone, strange)
}

/** The same for leaves in any order. */
function compareUnordered(position: number, sealed: readonly Leaf[], found: readonly Leaf[]): Finding[] {
  const there = new Map(found.map((leaf) => [leafName(leaf), leaf]))
  const known = new Set(sealed.map(leafName))
  const finding = (leaf: Leaf, problem: string) => ({
    chain_position: position,
    what: leafName(leaf),
    problem,
  })
  return [
    ...sealed.flatMap((leaf) => {
      const now = there.get(leafName(leaf))
      if (!now) return [finding(leaf, 'was sealed, and is not there any more')]
      return now.hash.equals(leaf.hash) ? [] : [finding(leaf, 'is not what was sealed: it has been altered')]
    }),
    ...found
      .filter((leaf) => !known.has(leafName(leaf)))
      .map((leaf) => finding(leaf, 'was not sealed: it has been inserted')),
  ]
}

/** In the order of sealing; a leaf is of a revision or of a note. */
function compareKeys(one: Leaf, other: Leaf): number {
  return (
    (one.note_id ?? 0) - (other.note_id ?? 0) ||
    (one.classification_id ?? 0) - (other.classification_id ?? 0) ||
    (one.revision_no ?? 0) - (other.revision_no ?? 0)
  )
}
