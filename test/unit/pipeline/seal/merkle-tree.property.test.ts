import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  consistencyRanges,
  createProver,
  inclusionRanges,
  isConsistent,
  joined,
  leafHash,
  RootHasher,
  rootByProof,
  subtreesOf,
} from '../../../../src/pipeline/seal/merkle-tree.ts'
import { merkleRoot } from '../../../support/merkle-root.ts'

const tree = fc
  .tuple(fc.array(fc.string(), { minLength: 1, maxLength: 70 }), fc.nat())
  .map(([texts, n]) => ({ leaves: texts.map(leafHash), leafNo: n % texts.length }))

it('proves every leaf under the root of its tree', () => {
  fc.assert(
    fc.property(tree, ({ leaves, leafNo }) => {
      const proof = createProver(leaves)(leafNo)
      const root = rootByProof(leaves[leafNo] as Buffer, leafNo, leaves.length, proof)
      expect(root?.toString('hex')).toBe(merkleRoot(leaves).toString('hex'))
    }),
  )
})

it('proves nothing else: another leaf, another place, another length', () => {
  fc.assert(
    fc.property(tree, ({ leaves, leafNo }) => {
      const proof = createProver(leaves)(leafNo)
      const leaf = leaves[leafNo] as Buffer
      const root = merkleRoot(leaves)
      const leadsToRoot = (...args: Parameters<typeof rootByProof>) =>
        rootByProof(...args)?.equals(root) ?? false
      const { length } = leaves
      expect(leadsToRoot(leafHash('another leaf'), leafNo, length, proof)).toBe(false)
      expect(leadsToRoot(leaf, leafNo, length, [...proof, leaf])).toBe(false)
      expect(leadsToRoot(leaf, length, length, proof)).toBe(false)
      expect(leadsToRoot(leaf, -1, length, proof)).toBe(false)
      expect(leadsToRoot(root, leafNo, length + 1, [])).toBe(false)
      if (proof.length > 0) expect(leadsToRoot(leaf, leafNo, length, proof.slice(1))).toBe(false)
    }),
  )
})

it('has the inclusion proof that RFC 6962 gives as an example for the third of seven leaves', () => {
  const leaves = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(leafHash)
  const root = (...some: number[]) => merkleRoot(some.map((n) => leaves[n] as Buffer))
  // RFC 6962, section 2.1.3: the path for d3 is [c, g, l]; for d6 it is [i, k].
  expect(createProver(leaves)(3)).toEqual([leaves[2], root(0, 1), root(4, 5, 6)])
  expect(createProver(leaves)(6)).toEqual([root(4, 5), root(0, 1, 2, 3)])
})

const sizes = fc
  .tuple(fc.integer({ min: 1, max: 70 }), fc.nat())
  .map(([size, n]) => ({ former: (n % size) + 1, size }))
const leavesOf = (size: number) => Array.from({ length: size }, (_, n) => leafHash(String(n)))
const proofOf = (former: number, size: number) =>
  consistencyRanges(former, size).map(([from, to]) => merkleRoot(leavesOf(size).slice(from, to)))

it('proves that a tree begins with the leaves of a former one', () => {
  fc.assert(
    fc.property(sizes, ({ former, size }) => {
      const [one, other] = [former, size].map((count) => ({ size: count, root: merkleRoot(leavesOf(count)) }))
      if (one && other) expect(isConsistent(one, other, proofOf(former, size))).toBe(true)
    }),
  )
})

it('proves no consistency with another tree, another size or another proof', () => {
  fc.assert(
    fc.property(sizes, fc.nat(), ({ former, size }, n) => {
      const [one, other] = [former, size].map((count) => ({ size: count, root: merkleRoot(leavesOf(count)) }))
      if (!one || !other) return
      const proof = proofOf(former, size)
      const altered = { ...one, root: leafHash('altered') }
      expect(isConsistent(altered, other, proof)).toBe(false)
      expect(isConsistent(one, { ...other, root: altered.root }, proof)).toBe(false)
      expect(isConsistent(one, other, [...proof, one.root])).toBe(false)
      expect(isConsistent({ ...one, size: 0 }, other, proof)).toBe(false)
      if (proof.length === 0) return
      expect(isConsistent(one, other, proof.slice(1))).toBe(false)
      expect(isConsistent(one, other, proof.with(n % proof.length, altered.root))).toBe(false)
      expect(isConsistent(other, one, proof)).toBe(false)
    }),
  )
})

it('returns the subtrees that each leaf completes, from which the root of any range follows', () => {
  const hasher = new RootHasher()
  const leaves = leavesOf(70)
  const completed = leaves.map((leaf) => hasher.add(leaf))
  fc.assert(
    fc.property(sizes, ({ former, size }) => {
      for (const range of [...consistencyRanges(former, size), ...inclusionRanges(former - 1, size)]) {
        const subtrees = subtreesOf(range).map(([from, to]) => completed[to - 1]?.[Math.log2(to - from)])
        expect(joined(subtrees as Buffer[])).toEqual(merkleRoot(leaves.slice(...range)))
      }
    }),
  )
})

it('has the consistency proofs that RFC 6962 gives as examples for seven leaves', () => {
  // RFC 6962, section 2.1.3. Its node g is [0, 2), i is [4, 6), k is [0, 4), and l is [4, 7).
  expect(consistencyRanges(3, 7)).toEqual([
    [2, 3],
    [3, 4],
    [0, 2],
    [4, 7],
  ])
  expect(consistencyRanges(4, 7)).toEqual([[4, 7]])
  expect(consistencyRanges(6, 7)).toEqual([
    [4, 6],
    [6, 7],
    [0, 4],
  ])
})
