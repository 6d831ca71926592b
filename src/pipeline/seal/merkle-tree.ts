import { createHash } from 'node:crypto'

/**
 * The Merkle tree of RFC 9162, section 2.1, over SHA-256. Leaves and nodes are hashed with different prefixes, so that a
 * node cannot pass as a leaf.
 */
const LEAF = Buffer.from([0])
const NODE = Buffer.from([1])

/** Hash of one leaf, from the text that it represents. */
export function leafHash(data: string): Buffer {
  return createHash('sha256').update(LEAF).update(data).digest()
}

/** Computes the root over leaf hashes that are added in their order, in the memory of one branch. */
export class RootHasher {
  /** Complete subtrees, the largest first, each with another power of two of leaves. */
  readonly #subtrees: { readonly size: number; readonly hash: Buffer }[] = []

  add(leaf: Buffer): void {
    let [size, hash] = [1, leaf]
    for (let last = this.#subtrees.at(-1); last?.size === size; last = this.#subtrees.at(-1)) {
      this.#subtrees.pop()
      ;[size, hash] = [size * 2, nodeHash(last.hash, hash)]
    }
    this.#subtrees.push({ size, hash })
  }

  /** Without leaves, the hash of the empty string. */
  get root(): Buffer {
    const hashes = this.#subtrees.map(({ hash }) => hash)
    const smallest = hashes.pop()
    if (!smallest) return createHash('sha256').digest()
    return hashes.reduceRight((right, left) => nodeHash(left, right), smallest)
  }
}

/** Proves leaves of a tree. Every node is hashed once, however many proofs are requested. */
export function createProver(leaves: readonly Buffer[]): (leafNo: number) => Buffer[] {
  const hashes = new Map<string, Buffer>()
  const root = (from: number, to: number): Buffer => {
    if (to - from === 1) return leaves[from] as Buffer
    const key = `${from} ${to}`
    const middle = from + leftSize(to - from)
    const hash = hashes.get(key) ?? nodeHash(root(from, middle), root(middle, to))
    hashes.set(key, hash)
    return hash
  }
  const proof = (leafNo: number, from: number, to: number): Buffer[] => {
    if (to - from === 1) return []
    const middle = from + leftSize(to - from)
    return leafNo < middle
      ? [...proof(leafNo, from, middle), root(middle, to)]
      : [...proof(leafNo, middle, to), root(from, middle)]
  }
  return (leafNo) => proof(leafNo, 0, leaves.length)
}

/**
 * Computes the root that an inclusion proof leads to from a leaf (RFC 9162, section 2.1.3.2). Undefined when the length of
 * the proof does not fit the position of the leaf.
 */
export function rootByProof(
  leaf: Buffer,
  leafNo: number,
  leafCount: number,
  proof: readonly Buffer[],
): Buffer | undefined {
  if (leafNo < 0 || leafNo >= leafCount) return undefined
  let [index, last, hash] = [leafNo, leafCount - 1, leaf]
  for (const neighbor of proof) {
    if (last === 0) return undefined
    if (index % 2 === 1 || index === last) {
      hash = nodeHash(neighbor, hash)
      while (index % 2 === 0 && index !== 0) [index, last] = [Math.floor(index / 2), Math.floor(last / 2)]
    } else {
      hash = nodeHash(hash, neighbor)
    }
    ;[index, last] = [Math.floor(index / 2), Math.floor(last / 2)]
  }
  return last === 0 ? hash : undefined
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest()
}

/** The largest power of two that is less than `size`. */
function leftSize(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}
