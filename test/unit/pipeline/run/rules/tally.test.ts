import { describe, expect, it } from 'vitest'
import {
  emptyTally,
  finishedClaims,
  isBalanced,
  statusOf,
} from '../../../../../src/pipeline/run/rules/tally.ts'

const ENDS = ['done', 'pending', 'errored', 'not_returned', 'quarantined'] as const

describe('the counters of a run', () => {
  it('begin at zero, and are balanced', () => {
    expect(new Set(Object.values(emptyTally()))).toEqual(new Set([0]))
    expect(finishedClaims(emptyTally())).toBe(0)
    expect(isBalanced(emptyTally())).toBe(true)
  })

  it('are balanced when each claim has ended in exactly one way', () => {
    const tally = { ...emptyTally(), done: 1, pending: 2, errored: 3, not_returned: 4, quarantined: 5 }
    expect(finishedClaims(tally)).toBe(15)
    expect(isBalanced({ ...tally, released: 6, claimed: 21 })).toBe(true)
    expect(isBalanced({ ...tally, released: 6, claimed: 20 })).toBe(false)
    expect(isBalanced({ ...tally, released: 6, claimed: 22 })).toBe(false)
  })

  it.each(ENDS)('count %s as an end', (end) => {
    expect(finishedClaims({ ...emptyTally(), [end]: 1 })).toBe(1)
  })
})

describe('the status of a run', () => {
  const statusWith = (more: object, flags: object = {}) =>
    statusOf({ failed: false, interrupted: false, ...flags, tally: { ...emptyTally(), ...more } })

  it.each([
    [{}, {}, 'succeeded'],
    [{ errored: 1, not_returned: 1, pending: 1 }, {}, 'succeeded'],
    [{ released: 1 }, {}, 'partial'],
    [{ quarantined: 1 }, {}, 'partial'],
    [{ quarantined: 1 }, { interrupted: true }, 'interrupted'],
    [{ released: 1 }, { interrupted: true, failed: true }, 'failed'],
  ])('with %o and %o is the most severe one: %s', (tally, flags, status) => {
    expect(statusWith(tally, flags)).toBe(status)
  })
})
