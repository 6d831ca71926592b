import { expect, it } from 'vitest'
import { RevisionLeaves } from '../../../../src/pipeline/seal/leaf.ts'
import { leafHash } from '../../../../src/pipeline/seal/merkle-tree.ts'

it('the leaves of revisions are returned as they were added, however many there are', () => {
  const leaves = new RevisionLeaves()
  const added = Array.from({ length: 5000 }, (_, leafNo) => ({
    classification_id: 2 ** 40 + leafNo,
    revision_no: (leafNo % 7) + 1,
    note_id: null,
    action_id: null,
    hash: leafHash(String(leafNo)),
  }))
  for (const { classification_id, revision_no, hash } of added)
    leaves.add(classification_id, revision_no, hash)
  expect(leaves.length).toBe(added.length)
  expect(added.map((_, leafNo) => leaves.at(leafNo))).toEqual(added)
})
