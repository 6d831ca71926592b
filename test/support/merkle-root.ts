import { RootHasher } from '../../src/pipeline/seal/merkle-tree.ts'

/** The product's root over leaf hashes in their order. */
export function merkleRoot(leaves: Iterable<Buffer>): Buffer {
  const hasher = new RootHasher()
  for (const leaf of leaves) hasher.add(leaf)
  return hasher.root
}
