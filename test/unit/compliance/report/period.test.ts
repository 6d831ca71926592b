import { expect, it } from 'vitest'
import { inPeriod } from '../../../../src/compliance/report/period.ts'

const day = (n: number) => `2026-07-${String(n).padStart(2, '0')}T00:00:00.000000Z`
const period = { from: day(10), to: day(20), time_zone: 'UTC' }

it.each([
  ['wholly within', 12, 14, 'certainly'],
  ['from the very start', 10, 14, 'certainly'],
  ['up to just before the end', 12, 19, 'certainly'],
  ['observed at the very end, which is not included', 12, 20, 'possibly'],
  ['begun before the start', 9, 14, 'possibly'],
  ['observed at the very start', 9, 10, 'possibly'],
  ['over both edges', 5, 25, 'possibly'],
  ['before', 5, 9, 'no'],
  ['not before the very end', 20, 25, 'no'],
] as const)('%s', (_, from, to, expected) => {
  expect(inPeriod({ not_before: day(from), not_after: day(to) }, period)).toBe(expected)
})

it('treats an unknown lower bound as any time, and a missing start as the beginning', () => {
  expect(inPeriod({ not_before: null, not_after: day(12) }, period)).toBe('possibly')
  expect(inPeriod({ not_before: null, not_after: day(12) }, { ...period, from: null })).toBe('certainly')
})
