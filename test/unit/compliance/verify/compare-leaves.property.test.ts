import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareLeaves } from '../../../../src/compliance/verify/compare-leaves.ts'
import { type Leaf, noteName, revisionName } from '../../../../src/pipeline/seal/leaf.ts'
import { sampleSize } from '../../../support/sample-size.ts'

const leaf = fc.record({
  isNote: fc.boolean(),
  id: fc.integer({ min: 1, max: 9 }),
  no: fc.integer({ min: 1, max: 3 }),
  hash: fc.constantFrom('a', 'b').map((text) => Buffer.from(text)),
})

const leaves = fc
  .uniqueArray(leaf, {
    maxLength: 20,
    selector: ({ isNote, id, no }) => (isNote ? `note ${id}` : `${id} ${no}`),
  })
  .map((some) =>
    some.map(
      ({ isNote, id, no, hash }): Leaf =>
        isNote
          ? { classification_id: null, revision_no: null, note_id: id, action_id: null, hash }
          : { classification_id: id, revision_no: no, note_id: null, action_id: null, hash },
    ),
  )

const nameOf = ({ classification_id, revision_no, note_id }: Leaf) =>
  note_id === null ? revisionName(classification_id, revision_no) : noteName(note_id)

async function* given(some: readonly Leaf[]): AsyncGenerator<Leaf> {
  yield* some
}

const inOrder = (some: readonly Leaf[]) =>
  some.toSorted(
    (a, b) =>
      (a.note_id ?? 0) - (b.note_id ?? 0) ||
      (a.classification_id ?? 0) - (b.classification_id ?? 0) ||
      (a.revision_no ?? 0) - (b.revision_no ?? 0),
  )

it('names each leaf once that is altered or only in one of the two, in any order', async () => {
  await fc.assert(
    fc.asyncProperty(leaves, leaves, fc.boolean(), async (sealed, stored, ordered) => {
      const [first, second] = ordered ? [inOrder(sealed), inOrder(stored)] : [sealed, stored]
      const findings = await compareLeaves(1, given(first), given(second))
      const [before, now] = [first, second].map(
        (some) => new Map(some.map((one) => [nameOf(one), one.hash.toString()])),
      ) as [Map<string, string>, Map<string, string>]
      const differing = [...new Set([...before.keys(), ...now.keys()])].filter(
        (name) => before.get(name) !== now.get(name),
      )
      expect(findings.map(({ what }) => what).toSorted()).toEqual(differing.toSorted())
      for (const { what, problem } of findings) {
        if (!now.has(what)) expect(problem).toContain('missing')
        else if (before.has(what)) expect(problem).toContain('altered')
        else expect(problem).toContain('inserted')
      }
    }),
    { numRuns: sampleSize(200) },
  )
})
