import { beforeEach, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../../../../src/media/endpoint.ts'
import type { Outcome } from '../../../../../src/pipeline/load/outcome.ts'
import { type CircuitBreaker, WINDOW } from '../../../../../src/pipeline/run/rules/circuit-breaker.ts'
import { HeldOutcomes } from '../../../../../src/pipeline/run/rules/held-outcomes.ts'
import { aClaim } from '../../../../support/a-claim.ts'

const AUDIO = { media: 'audio' } as Endpoint
const IMAGE = { media: 'image' } as Endpoint
const RECEIVED = '2026-07-01T00:00:05.000000Z'
const LATER = '2026-07-01T00:00:06.000000Z'

const ABSENT = { kind: 'not_returned' }
const REJECTED = { kind: 'quarantined' }
const IDENTICAL = { kind: 'identical' }
const returned = (hasKnownStatus: boolean) => ({ kind: 'returned', rows: { hasKnownStatus } })

let held: HeldOutcomes
let nextId: number
beforeEach(() => {
  held = new HeldOutcomes()
  nextId = 1
})

/** A response with these outcomes, whose claims have numbers from 1. */
function group(outcomes: readonly object[], endpoint = AUDIO) {
  const claims = outcomes.map(() => aClaim({ id: nextId++ }))
  return {
    endpoint,
    requestedAt: RECEIVED,
    receivedAt: RECEIVED,
    claims,
    outcomes: outcomes.map((outcome, index) => ({
      ...outcome,
      claim: claims[index],
    })) as unknown as Outcome[],
  }
}

const idsOf = (groups: readonly { readonly claims: readonly { readonly id: number }[] }[]) =>
  groups.map(({ claims }) => claims.map(({ id }) => id))

/** The claims of what can be written now, by group. */
const clearedBy = (breaker: Partial<CircuitBreaker> = {}, endpoint = AUDIO) =>
  idsOf(held.takeCleared(endpoint, { acquittedBefore: '', isInDoubt: false, ...breaker } as CircuitBreaker))

/** Observes plain outcomes. */
const observe = (count: number) => held.hold(group(Array.from({ length: count }, () => IDENTICAL)))

describe('held outcomes', () => {
  it('are the absences, rejections and undocumented statuses of a response; the rest is returned', () => {
    const plain = held.hold(group([ABSENT, returned(true), REJECTED, IDENTICAL, returned(false)]))
    expect(plain.outcomes.map(({ kind }) => kind)).toEqual(['returned', 'identical'])
    expect(idsOf([plain])).toEqual([[2, 4]])
    expect(plain.receivedAt).toBe(RECEIVED)
    expect(idsOf(held.all)).toEqual([[1], [3, 5]])
    expect(held.claims.map(({ id }) => id)).toEqual([1, 3, 5])
  })

  it('are none where a response has none', () => {
    expect(observe(2).outcomes).toHaveLength(2)
    expect(held.all).toEqual([])
  })

  it('are cleared, once, when a whole window was observed behind them', () => {
    held.hold(group([ABSENT, REJECTED]))
    observe(WINDOW - 1)
    expect(clearedBy()).toEqual([])
    observe(1)
    expect(clearedBy()).toEqual([[1], [2]])
    expect(clearedBy()).toEqual([])
    expect(held.claims).toEqual([])
  })

  it('count the outcomes of their own response, and not those before', () => {
    observe(10)
    held.hold(group([REJECTED]))
    observe(WINDOW - 1)
    expect(clearedBy()).toEqual([])
    observe(1)
    expect(clearedBy()).toEqual([[11]])
  })

  it('keep absences while these are in doubt, but not rejections', () => {
    held.hold(group([ABSENT, REJECTED]))
    observe(WINDOW)
    expect(clearedBy({ isInDoubt: true })).toEqual([[2]])
    expect(clearedBy()).toEqual([[1]])
  })

  it('clear absences that the breaker has acquitted, also within the window, but not rejections', () => {
    held.hold(group([ABSENT, REJECTED]))
    expect(clearedBy({ acquittedBefore: RECEIVED, isInDoubt: true })).toEqual([])
    expect(clearedBy({ acquittedBefore: LATER, isInDoubt: true })).toEqual([[1]])
  })

  it('are taken for one medium', () => {
    held.hold(group([ABSENT]))
    held.hold(group([ABSENT], IMAGE))
    observe(WINDOW)
    expect(clearedBy({}, IMAGE)).toEqual([[2]])
    expect(idsOf(held.all)).toEqual([[1]])
  })

  it('lose the claim whose outcome was written', () => {
    held.hold(group([ABSENT, ABSENT, REJECTED]))
    held.drop(aClaim({ id: 2 }))
    expect(idsOf(held.all)).toEqual([[1], [3]])
    expect(held.all[0]?.outcomes).toHaveLength(1)
    observe(WINDOW)
    expect(clearedBy()).toEqual([[1], [3]])
  })
})
