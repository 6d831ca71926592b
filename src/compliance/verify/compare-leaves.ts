import { type Leaf, leafName } from '../../pipeline/seal/leaf.ts'
import { type Finding, finding } from './findings.ts'

/**
 * Compares the stored rows with the sealed leaves; equal ones have no findings. Both come in the order of sealing,
 * revisions, notes and actions by key, so that only leaves without a counterpart in their place take memory.
 */
export async function compareLeaves(
  position: number,
  sealed: AsyncGenerator<Leaf>,
  stored: AsyncGenerator<Leaf>,
): Promise<Finding[]> {
  const [onlySealed, onlyStored]: [Leaf[], Leaf[]] = [[], []]
  let [before, now] = [await sealed.next(), await stored.next()]
  while (!before.done && !now.done) {
    const order = compareKeys(before.value, now.value)
    const isSame = order === 0 && before.value.hash.equals(now.value.hash)
    if (order <= 0) {
      if (!isSame) onlySealed.push(before.value)
      before = await sealed.next()
    }
    if (order >= 0) {
      if (!isSame) onlyStored.push(now.value)
      now = await stored.next()
    }
  }
  for (; !before.done; before = await sealed.next()) onlySealed.push(before.value)
  for (; !now.done; now = await stored.next()) onlyStored.push(now.value)
  return compareUnordered(position, onlySealed, onlyStored)
}

/** Compares leaves in any order. */
function compareUnordered(position: number, sealed: readonly Leaf[], stored: readonly Leaf[]): Finding[] {
  const storedByName = new Map(stored.map((leaf) => [leafName(leaf), leaf]))
  const sealedNames = new Set(sealed.map(leafName))
  return [
    ...sealed.flatMap((leaf) => {
      const name = leafName(leaf)
      const now = storedByName.get(name)
      if (!now) return [finding(name, 'was sealed, but is missing', position)]
      if (now.hash.equals(leaf.hash)) return []
      return [finding(name, 'differs from its sealed form, because it was altered', position)]
    }),
    ...[...storedByName.keys()]
      .filter((name) => !sealedNames.has(name))
      .map((name) => finding(name, 'was not sealed, because it was inserted', position)),
  ]
}

/** Orders leaves as they are sealed; a leaf is of a revision, a note or an action. */
function compareKeys(one: Leaf, other: Leaf): number {
  return (
    (one.action_id ?? 0) - (other.action_id ?? 0) ||
    (one.note_id ?? 0) - (other.note_id ?? 0) ||
    (one.classification_id ?? 0) - (other.classification_id ?? 0) ||
    (one.revision_no ?? 0) - (other.revision_no ?? 0)
  )
}
