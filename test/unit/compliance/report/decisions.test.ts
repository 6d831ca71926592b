import { expect, it } from 'vitest'
import { currentNotes, explanationOf, notesOfDecisions } from '../../../../src/compliance/report/decisions.ts'
import type { Group } from '../../../../src/compliance/report/decisions.ts'
import type { Note } from '../../../../src/compliance/report/schema.ts'

const day = (n: number, rest = '00:00:00.000000') => `2026-07-${String(n).padStart(2, '0')}T${rest}Z`
const decision = (from: number, to: number, forced_to: string | null = 'human'): Group => ({
  file_hash: 'h',
  forced_to,
  not_before: day(from),
  not_after: day(to),
  events: [],
})
const note = (note_id: number, noted_at: string, more: Partial<Note> = {}): Note => ({
  note_id,
  noted_at,
  file_hash: 'h',
  forced_to: 'human',
  author: 'A',
  reason: 'r',
  ticket: null,
  reviewer: null,
  corrects: null,
  ...more,
})
/** The notes of each decision, by number. */
const notesOf = (groups: Group[], notes: Note[]) => {
  const notesByGroup = notesOfDecisions(groups, notes)
  return groups.map((group) => notesByGroup.get(group)?.map(({ note_id }) => note_id))
}

it('gives a note to the latest decision that may have happened before it was written', () => {
  const groups = [decision(1, 2), decision(10, 11), decision(20, 21)]
  expect(notesOf(groups, [note(1, day(3)), note(2, day(10)), note(3, day(12)), note(4, day(19))])).toEqual([
    [1],
    [2, 3, 4],
    [],
  ])
})

it('lets a note that was written before all decisions explain none', () => {
  expect(notesOf([decision(5, 6), decision(10, 11)], [note(1, day(1))])).toEqual([[], []])
})

it('gives a note to decisions of its file and label only; none means a force that was removed', () => {
  const groups = [decision(1, 2), decision(3, 4, 'artificial'), decision(5, 6, null)]
  const notes = [
    note(1, day(9), { forced_to: 'artificial' }),
    note(2, day(9), { forced_to: 'none' }),
    note(3, day(9), { file_hash: 'other' }),
  ]
  expect(notesOf(groups, notes)).toEqual([[], [1], [2]])
})

it('gives a correction to the decision of its note, although a later decision may have happened by then', () => {
  const groups = [decision(1, 2), decision(10, 11)]
  const notes = [
    note(1, day(3)),
    note(2, day(12)),
    note(3, day(13), { corrects: 1 }),
    note(4, day(14), { corrects: 99 }),
  ]
  expect(notesOf(groups, notes)).toEqual([[1, 3], [2]])
  // A correction does not make an explanation late.
  expect(explanationOf(groups[0] as Group, notes[0])).toBe('explained')
})

it('shows the latest correction in place of a note, in the order of the first notes', () => {
  const notes = [
    note(1, day(3)),
    note(2, day(4)),
    note(3, day(5), { corrects: 1, reason: 'b' }),
    note(4, day(6), { corrects: 1, reason: 'c' }),
  ]
  expect(
    currentNotes(notes).map(({ note_id, reason, corrections }) => [note_id, reason, corrections]),
  ).toEqual([
    [4, 'c', 2],
    [2, 'r', 0],
  ])
})

it.each([
  ['at the last moment of the seventh day', day(9), 'explained'],
  ['a microsecond later', day(9, '00:00:00.000001'), 'explained_late'],
  ['before its end', day(1, '12:00:00.000000'), 'explained'],
])('explains in time or late: noted %s', (_, notedAt, expected) => {
  expect(explanationOf(decision(1, 2), note(1, notedAt))).toBe(expected)
})

it('counts seven days over the end of a month, and explains nothing without a note', () => {
  expect(explanationOf(decision(28, 29), note(1, '2026-08-05T00:00:00.000000Z'))).toBe('explained')
  expect(explanationOf(decision(28, 29), note(1, '2026-08-05T00:00:00.000001Z'))).toBe('explained_late')
  expect(explanationOf(decision(1, 2), undefined)).toBe('unexplained')
})
