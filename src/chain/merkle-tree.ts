import { createHash } from 'node:crypto'

/**
 * The Merkle tree of RFC 9162, section 2.1, over SHA-256. Leaves and nodes are hashed under different prefixes, so that
 * no node can be passed off as a leaf.
 */
const LEAF = Buffer.from([0])
const NODE = Buffer.from([1])

/** Hash of one leaf, from the bytes that it stands for. */
export function leafHash(data: string): Buffer {
  return createHash('sha256').update(LEAF).update(data).digest()
}

/** Root over leaf hashes, in their order; of none, the hash of nothing. */
export function merkleRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return createHash('sha256').digest()
  return rootOf(leaves, 0, leaves.length)
}

/** The siblings on the way from a leaf up to the root, lowest first (section 2.1.3.1). */
export function inclusionProof(leaves: readonly Buffer[], index: number): Buffer[] {
  return proofIn(leaves, index, 0, leaves.length)
}

/** The root that a proof leads to from a leaf; the leaf is in the tree when it is the tree's (section 2.1.3.2). */
export function rootByProof(options: {
  readonly leaf: Buffer
  readonly index: number
  /** Leaves of the whole tree. */
  readonly size: number
  readonly proof: readonly Buffer[]
}): Buffer | undefined {
  let [position, last] = [options.index, options.size - 1]
  let hash = options.leaf
  if (position < 0 || position > last) return undefined
  for (const sibling of options.proof) {
    if (last === 0) return undefined
    if (position % 2 === 1 || position === last) {
      hash = nodeHash(sibling, hash)
      while (position % 2 === 0 && position !== 0) [position, last] = [position >> 1, last >> 1]
    } else hash = nodeHash(hash, sibling)
    ;[position, last] = [position >> 1, last >> 1]
  }
  return last === 0 ? hash : undefined
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest()
}

function rootOf(leaves: readonly Buffer[], from: number, to: number): Buffer {
  if (to - from === 1) return leaves[from] as Buffer
  const middle = from + leftSize(to - from)
  return nodeHash(rootOf(leaves, from, middle), rootOf(leaves, middle, to))
}

function proofIn(leaves: readonly Buffer[], index: number, from: number, to: number): Buffer[] {
  if (to - from <= 1) return []
  const middle = from + leftSize(to - from)
  if (index < middle) return [...proofIn(leaves, index, from, middle), rootOf(leaves, middle, to)]
  return [...proofIn(leaves, index, middle, to), rootOf(leaves, from, middle)]
}

/** The largest power of two that is less than `size`. */
function leftSize(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}
