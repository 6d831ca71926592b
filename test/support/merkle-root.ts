import { RootHasher } from '../../src/pipeline/seal/merkle-tree.ts'

/** The root that the product computes over leaf hashes, in this order. */
export function merkleRoot(leaves: Iterable<Buffer>): Buffer {
  const hasher = new RootHasher()
  for (const leaf of leaves) hasher.add(leaf)
  return hasher.root
}
