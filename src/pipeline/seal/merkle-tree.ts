import { hash as digest } from 'node:crypto'

/**
 * The Merkle tree of RFC 9162, section 2.1, over SHA-256. Leaves and nodes are hashed with different prefixes, so that a
 * node cannot pass as a leaf.
 */
const LEAF = '\u0000'
const NODE = 1

/** Hash of one leaf, from the text that it represents. */
export function leafHash(data: string): Buffer {
  return digest('sha256', LEAF + data, 'buffer')
}

/** A complete subtree: its leaves are a power of two, and their first number is a multiple of it. */
export interface Subtree {
  readonly size: number
  readonly hash: Buffer
}

/** Computes the root over leaf hashes that are added in their order, in the memory of one branch. */
export class RootHasher {
  /** The largest first, each with another power of two of leaves. */
  readonly #subtrees: Subtree[]

  /** @param subtrees The complete subtrees of the leaves so far. */
  constructor(subtrees: readonly Subtree[] = []) {
    this.#subtrees = [...subtrees]
  }

  /** Adds a leaf. Returns the hashes of all complete subtrees that end with it, the smallest, which is the leaf, first. */
  add(leaf: Buffer): Buffer[] {
    const completed = [leaf]
    let [size, hash] = [1, leaf]
    for (let last = this.#subtrees.at(-1); last?.size === size; last = this.#subtrees.at(-1)) {
      this.#subtrees.pop()
      ;[size, hash] = [size * 2, nodeHash(last.hash, hash)]
      completed.push(hash)
    }
    this.#subtrees.push({ size, hash })
    return completed
  }

  /** Without leaves, the hash of the empty string. */
  get root(): Buffer {
    return joined(this.#subtrees.map(({ hash }) => hash))
  }
}

/** The root over the complete subtrees of some leaves, the largest first. */
export function joined(subtrees: readonly Buffer[]): Buffer {
  if (subtrees.length === 0) return digest('sha256', '', 'buffer')
  return subtrees.reduceRight((right, left) => nodeHash(left, right))
}

/** Leaves from a number on, and before another, as a proof refers to them. */
export type Range = readonly [from: number, to: number]

/** The complete subtrees of the leaves of a range, the largest first. */
export function subtreesOf([from, to]: Range): Range[] {
  if (from === to) return []
  let size = 1
  while (size * 2 <= to - from) size *= 2
  return [[from, from + size], ...subtreesOf([from + size, to])]
}

/** The ranges whose roots are the inclusion proof of a leaf (RFC 9162, section 2.1.3.1), from the leaf up. */
export function inclusionRanges(leafNo: number, leafCount: number): Range[] {
  const path = (from: number, to: number): Range[] => {
    if (to - from === 1) return []
    const middle = from + leftSize(to - from)
    return leafNo < middle ? [...path(from, middle), [middle, to]] : [...path(middle, to), [from, middle]]
  }
  return path(0, leafCount)
}

/** The ranges whose roots prove that a tree has the first leaves of another (RFC 9162, section 2.1.4.1). */
export function consistencyRanges(formerCount: number, leafCount: number): Range[] {
  const path = (from: number, to: number, isWhole: boolean): Range[] => {
    if (formerCount === to) return isWhole ? [] : [[from, to]]
    const middle = from + leftSize(to - from)
    return formerCount <= middle
      ? [...path(from, middle, isWhole), [middle, to]]
      : [...path(middle, to, false), [from, middle]]
  }
  return path(0, leafCount, true)
}

/** Proves leaves of a tree. Every node is hashed once, however many proofs are requested. */
export function createProver(leaves: readonly Buffer[]): (leafNo: number) => Buffer[] {
  const hashes = new Map<string, Buffer>()
  const root = ([from, to]: Range): Buffer => {
    if (to - from === 1) return leaves[from] as Buffer
    const key = `${from} ${to}`
    const middle = from + leftSize(to - from)
    const hash = hashes.get(key) ?? nodeHash(root([from, middle]), root([middle, to]))
    hashes.set(key, hash)
    return hash
  }
  return (leafNo) => inclusionRanges(leafNo, leaves.length).map(root)
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

/**
 * Checks a consistency proof (RFC 9162, section 2.1.4.2): the larger tree begins with the leaves of the former one. Two empty
 * trees, and a tree and itself, need no proof.
 */
export function isConsistent(
  former: { readonly size: number; readonly root: Buffer },
  later: { readonly size: number; readonly root: Buffer },
  proof: readonly Buffer[],
): boolean {
  if (former.size < 1 || former.size > later.size) return false
  if (former.size === later.size) return proof.length === 0 && former.root.equals(later.root)
  let [index, last] = [former.size - 1, later.size - 1]
  while (index % 2 === 1) [index, last] = [Math.floor(index / 2), Math.floor(last / 2)]
  const [first, ...rest] = index === 0 ? [former.root, ...proof] : proof
  if (!first) return false
  let [formerRoot, laterRoot] = [first, first]
  for (const neighbor of rest) {
    if (last === 0) return false
    if (index % 2 === 1 || index === last) {
      ;[formerRoot, laterRoot] = [nodeHash(neighbor, formerRoot), nodeHash(neighbor, laterRoot)]
      while (index % 2 === 0 && index !== 0) [index, last] = [Math.floor(index / 2), Math.floor(last / 2)]
    } else {
      laterRoot = nodeHash(laterRoot, neighbor)
    }
    ;[index, last] = [Math.floor(index / 2), Math.floor(last / 2)]
  }
  return last === 0 && formerRoot.equals(former.root) && laterRoot.equals(later.root)
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  const node = Buffer.allocUnsafe(1 + left.length + right.length)
  node[0] = NODE
  left.copy(node, 1)
  right.copy(node, 1 + left.length)
  return digest('sha256', node, 'buffer')
}

/** The largest power of two that is less than `size`. */
function leftSize(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}
