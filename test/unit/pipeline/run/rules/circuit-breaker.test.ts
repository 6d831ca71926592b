import { describe, expect, it } from 'vitest'
import { CircuitBreaker, type BreakerInput } from '../../../../../src/pipeline/run/rules/circuit-breaker.ts'

let nextId = 0

function some(number: number, result: BreakerInput['result'], isFinished: boolean): BreakerInput[] {
  return Array.from({ length: number }, () => ({ id: nextId++, result, isFinished }))
}

function reasonOf(observations: BreakerInput[], keyIsProven = true): string | undefined {
  const breaker = new CircuitBreaker()
  breaker.observe(observations)
  return breaker.check(keyIsProven)?.message
}

describe('the circuit breaker', () => {
  it.each<[string, BreakerInput[], boolean]>([
    ['49 of 240 finished ones gone', [...some(49, 'absent', true), ...some(191, 'returned', true)], false],
    ['50 of 240 finished ones gone', [...some(50, 'absent', true), ...some(190, 'returned', true)], true],
    ['50 of 250 finished ones gone', [...some(50, 'absent', true), ...some(200, 'returned', true)], false],
    ['all of 4 finished ones gone', some(4, 'absent', true), false],
    ['all of 5 finished ones gone', some(5, 'absent', true), true],
    [
      'all of 5 finished ones gone among new ones',
      [...some(5, 'absent', true), ...some(90, 'returned', false)],
      true,
    ],
    ['5 of 6 finished ones gone', [...some(5, 'absent', true), ...some(1, 'returned', true)], false],
    ['none of 49 new ones returned', some(49, 'absent', false), false],
    ['none of 50 new ones returned', some(50, 'absent', false), true],
    ['one of 51 new ones returned', [...some(50, 'absent', false), ...some(1, 'returned', false)], false],
    ['49 of 49 records rejected', some(49, 'rejected', false), false],
    ['50 of 499 records rejected', [...some(50, 'rejected', false), ...some(449, 'returned', false)], true],
    ['50 of 500 records rejected', [...some(50, 'rejected', false), ...some(450, 'returned', false)], false],
    [
      'rejections counted against records, not against absences',
      [...some(50, 'rejected', false), ...some(950, 'absent', false)],
      true,
    ],
    ['nothing but 9 refused ones', some(9, 'refused', false), false],
    ['nothing but 10 refused ones', some(10, 'refused', false), true],
    [
      '10 refused ones and one returned',
      [...some(10, 'refused', false), ...some(1, 'returned', false)],
      false,
    ],
    ['refused ones are not returned either', some(5, 'refused', true), true],
  ])('%s: tripped %s', (_, observations, tripped) => {
    expect(reasonOf(observations) !== undefined).toBe(tripped)
  })

  it('trips at three refused identifiers only while the key is unproven, and not at three refusals of one identifier', () => {
    expect(reasonOf(some(3, 'refused', false), true)).toBeUndefined()
    expect(reasonOf(some(2, 'refused', false), false)).toBeUndefined()
    expect(reasonOf(some(3, 'refused', false), false)).toContain('IDENTIFAI_API_URL')
    const [one] = some(1, 'refused', false) as [BreakerInput]
    expect(reasonOf([one, one, one], false)).toBeUndefined()
  })

  it('needs a control group when nothing is returned and no finished identifier was requested', () => {
    const needsControlGroup = (observations: BreakerInput[]) => {
      const breaker = new CircuitBreaker()
      breaker.observe(observations)
      return breaker.needsControlGroup()
    }
    expect(needsControlGroup(some(4, 'absent', false))).toBe(false)
    expect(needsControlGroup([...some(3, 'absent', false), ...some(2, 'refused', false)])).toBe(true)
    expect(needsControlGroup([...some(50, 'absent', false), ...some(1, 'returned', false)])).toBe(false)
    expect(needsControlGroup([...some(50, 'absent', false), ...some(1, 'absent', true)])).toBe(false)
  })

  it('counts the last thousand identifiers, over any number of responses', () => {
    const breaker = new CircuitBreaker()
    for (let gone = 0; gone < 49; gone++) {
      breaker.observe([...some(1, 'absent', true), ...some(4, 'returned', true)])
      expect(breaker.check(true)).toBeUndefined()
    }
    breaker.observe(some(1000, 'returned', true))
    breaker.observe(some(200, 'absent', true))
    expect(breaker.check(true)).toBeUndefined()
    breaker.observe(some(1, 'absent', true))
    expect(breaker.check(true)?.message).toContain('201 of 1000')
  })
})
