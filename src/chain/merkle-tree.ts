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

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest()
}

function rootOf(leaves: readonly Buffer[], from: number, to: number): Buffer {
  if (to - from === 1) return leaves[from] as Buffer
  const middle = from + leftSize(to - from)
  return nodeHash(rootOf(leaves, from, middle), rootOf(leaves, middle, to))
}

/** The largest power of two that is less than `size`. */
function leftSize(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}
