import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Group, groupDecisions } from '../../../../src/compliance/report/decisions.ts'
import type { ForceChange } from '../../../../src/compliance/report/schema.ts'

const time = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString().replace('Z', '000Z')

function event(id: number, from: number, to: number, more: Partial<ForceChange> = {}): ForceChange {
  return {
    classification_id: id,
    revision_no: 2,
    file_hash: 'h',
    forced_from: null,
    forced_to: 'human',
    not_before: time(from),
    not_after: time(to),
    ...more,
  } as ForceChange
}

const events = fc
  .array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 30 })), { maxLength: 25 })
  .map((list) => list.map(([from, length], id) => event(id, from, from + length)))

const idsOf = (groups: readonly Group[]) =>
  groups.map((group) =>
    group.events.map(({ classification_id }) => classification_id).toSorted((a, b) => a - b),
  )

it('puts each event into one decision, and the interval of a decision is common to its events', () => {
  fc.assert(
    fc.property(events, (list) => {
      const groups = groupDecisions(list)
      expect(
        idsOf(groups)
          .flat()
          .toSorted((a, b) => a - b),
      ).toEqual(list.map((_, id) => id))
      for (const group of groups) {
        const lower = group.events.map(({ not_before }) => not_before ?? '').toSorted()
        const upper = group.events.map(({ not_after }) => not_after).toSorted()
        expect([group.not_before, group.not_after]).toEqual([lower.at(-1), upper[0]])
        expect((group.not_before ?? '') < group.not_after).toBe(true)
      }
    }),
  )
})

it('needs the fewest moments that can have caused the events', () => {
  fc.assert(
    fc.property(events, (list) => {
      // As many intervals as possible that do not overlap: each needs a moment of its own.
      let [apart, end] = [0, '']
      for (const { not_before, not_after } of list.toSorted((a, b) => (a.not_after < b.not_after ? -1 : 1))) {
        if ((not_before ?? '') >= end) [apart, end] = [apart + 1, not_after]
      }
      expect(groupDecisions(list)).toHaveLength(apart)
    }),
  )
})

it('gives the same decisions for any order of the events', () => {
  fc.assert(
    fc.property(events, fc.infiniteStream(fc.nat()), (list, keys) => {
      const shuffled = list
        .map((one) => ({ one, key: keys.next().value as number }))
        .toSorted((a, b) => a.key - b.key)
        .map(({ one }) => one)
      expect(idsOf(groupDecisions(shuffled))).toEqual(idsOf(groupDecisions(list)))
    }),
  )
})

it('keeps files, labels, and identifiers without a file hash apart', () => {
  const groups = groupDecisions([
    event(1, 0, 10),
    event(2, 0, 10),
    event(3, 0, 10, { file_hash: 'other' }),
    event(4, 0, 10, { forced_to: 'artificial' }),
    event(5, 0, 10, { forced_to: null }),
    event(6, 0, 10, { file_hash: null }),
    event(7, 0, 10, { file_hash: null }),
  ])
  expect(idsOf(groups).toSorted(([one = 0], [other = 0]) => one - other)).toEqual([
    [1, 2],
    [3],
    [4],
    [5],
    [6],
    [7],
  ])
})
