import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createProver, leafHash, rootByProof } from '../../../../src/pipeline/seal/merkle-tree.ts'
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
