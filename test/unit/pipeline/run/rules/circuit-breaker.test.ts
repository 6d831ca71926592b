import { describe, expect, it } from 'vitest'
import { CircuitBreaker, type BreakerInput } from '../../../../../src/pipeline/run/rules/circuit-breaker.ts'

let nextId = 0

function some(number: number, result: BreakerInput['result'], isFinished: boolean): BreakerInput[] {
  return Array.from({ length: number }, () => ({ id: nextId++, result, isFinished }))
}

/** The two times of a response, in seconds of one minute. */
function times(requested: number, received = requested + 1) {
  const at = (second: number) => `2026-06-01T02:00:${String(second).padStart(2, '0')}.000000Z`
  return { requestedAt: at(requested), receivedAt: at(received) }
}

/** A response with records, between these times. */
function records(requested: number, received?: number) {
  return { kind: 'records' as const, ...times(requested, received) }
}

/** A refusal between these times. */
function refusal(requested: number, status = 422) {
  return { kind: 'refused' as const, status, ...times(requested) }
}

/** The reason to stop at the end of a run with these observations, when no control group can be requested. */
function reasonOf(observations: BreakerInput[], keyIsProven = true): string | undefined {
  const breaker = new CircuitBreaker(false)
  // One by one, because a response with many finished identifiers would itself be a control group.
  for (const observation of observations)
    breaker.observe(observation.result === 'refused' ? refusal(1) : records(1), [observation])
  return breaker.check({ keyIsProven, isEnd: true })?.message
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
    ['49 of 49 statuses undocumented', some(49, 'undocumented', false), false],
    [
      '50 of 499 statuses undocumented',
      [...some(50, 'undocumented', true), ...some(449, 'returned', true)],
      true,
    ],
    [
      '50 of 500 statuses undocumented',
      [...some(50, 'undocumented', true), ...some(450, 'returned', true)],
      false,
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

  it('counts the last thousand identifiers, over any number of responses', () => {
    const breaker = new CircuitBreaker(false)
    const check = () => breaker.check({ keyIsProven: true, isEnd: true })
    for (let gone = 0; gone < 49; gone++) {
      breaker.observe(records(1), [...some(1, 'absent', true), ...some(4, 'returned', true)])
      expect(check()).toBeUndefined()
    }
    breaker.observe(records(1), some(1000, 'returned', false))
    for (let n = 0; n < 800; n += 10) breaker.observe(records(1), some(10, 'returned', true))
    breaker.observe(records(1), some(200, 'absent', true))
    expect(check()).toBeUndefined()
    breaker.observe(records(1), some(1, 'absent', true))
    expect(check()?.message).toContain('201 of 1000')
  })
})

describe('absences in doubt', () => {
  /** A breaker that has seen this many finished identifiers absent, in responses that came at second 2. */
  function inDoubt(gone = 100, mayRequestControls = true) {
    const breaker = new CircuitBreaker(mayRequestControls)
    breaker.observe(records(1, 2), some(gone, 'absent', true))
    return breaker
  }

  const check = (breaker: CircuitBreaker, isEnd = false) => breaker.check({ keyIsProven: true, isEnd })

  const needsOne = (breaker: CircuitBreaker, requests = 1, isEnd = true) =>
    breaker.takeTurnForControlGroup({ requests, isEnd })

  it('need a control group at every tenth request, or before the run ends', () => {
    const breaker = inDoubt()
    expect(needsOne(breaker, 9, false)).toBe(false)
    expect(needsOne(breaker, 10, false)).toBe(true)
    expect(needsOne(breaker, 10, false)).toBe(false)
    breaker.startControlGroup(20)
    expect(needsOne(breaker, 19, false)).toBe(false)
    expect(needsOne(breaker, 20, false)).toBe(true)
    expect(needsOne(inDoubt(), 1, true)).toBe(true)
  })

  it('do not need one where everything but a few is returned, or where the run may request no other identifiers', () => {
    const breaker = new CircuitBreaker(true)
    breaker.observe(records(1), [...some(4, 'absent', true), ...some(96, 'returned', true)])
    expect(needsOne(breaker)).toBe(false)
    expect(needsOne(inDoubt(100, false))).toBe(false)
  })

  it('need one for five new identifiers of which none is returned', () => {
    const breaker = new CircuitBreaker(true)
    breaker.observe(records(1), [...some(3, 'absent', false), ...some(1, 'refused', false)])
    expect(needsOne(breaker)).toBe(false)
    breaker.observe(records(1), some(1, 'absent', false))
    expect(needsOne(breaker)).toBe(true)
  })

  it('are acquitted when nine of ten in the control group are returned, and stop the run when fewer are', () => {
    const acquitted = inDoubt()
    acquitted.startControlGroup(20)
    acquitted.observe(records(3), [...some(18, 'returned', true), ...some(2, 'absent', true)], true)
    expect(check(acquitted, true)).toBeUndefined()
    expect(acquitted.acquittedBefore).toBe(times(3).requestedAt)

    const guilty = inDoubt()
    guilty.startControlGroup(20)
    guilty.observe(records(3), [...some(17, 'returned', true), ...some(3, 'absent', true)], true)
    expect(check(guilty)?.message).toContain('no longer returns 3 of 20')
  })

  it('wait for the whole control group when it comes in several responses', () => {
    const breaker = inDoubt()
    breaker.startControlGroup(20)
    breaker.observe(records(3), some(10, 'returned', true), true)
    expect(breaker.isInDoubt).toBe(true)
    breaker.observe(records(5), some(10, 'returned', true), true)
    expect(breaker.isInDoubt).toBe(false)
    expect(breaker.acquittedBefore).toBe(times(3).requestedAt)
  })

  it('are acquitted by the next batch of finished identifiers that was requested after they were seen', () => {
    const breaker = inDoubt()
    // It left before the absences were seen.
    breaker.observe(records(1, 4), some(20, 'returned', true))
    expect(breaker.isInDoubt).toBe(true)
    breaker.observe(records(3), [...some(17, 'returned', true), ...some(3, 'absent', true)])
    expect(breaker.isInDoubt).toBe(true)
    breaker.observe(records(3), some(19, 'returned', true))
    expect(breaker.isInDoubt).toBe(true)
    breaker.observe(records(4), some(20, 'returned', true))
    expect(breaker.isInDoubt).toBe(false)
  })

  it('stop the run at its end without a finished identifier to request, or before when nothing else comes', () => {
    const breaker = inDoubt()
    breaker.startControlGroup(0)
    // One may be finished later in the run.
    expect(needsOne(breaker)).toBe(true)
    expect(check(breaker)).toBeUndefined()
    expect(check(breaker, true)?.message).toContain('no longer returns 100 of 100')
    for (let response = 0; response < 9; response++) breaker.observe(records(3), some(100, 'absent', true))
    expect(check(breaker)?.message).toContain('no longer returns 1000 of 1000')
  })

  it('stay in doubt after a control group that is too small to prove anything', () => {
    const breaker = inDoubt(10)
    breaker.startControlGroup(4)
    breaker.observe(records(3), some(4, 'absent', true), true)
    expect(check(breaker)).toBeUndefined()
    expect(needsOne(breaker)).toBe(false)
    expect(check(breaker, true)?.message).toContain('14 of 14')
  })
})

describe('refusals before any records', () => {
  /** A breaker that has seen a batch refused, and then these identifiers alone. */
  function refused(inputs: readonly BreakerInput[] = [], status = 404) {
    const breaker = new CircuitBreaker(true)
    breaker.observe(refusal(1, status), [])
    for (const input of inputs) breaker.observe(refusal(2, status), [input])
    return breaker
  }

  const check = (breaker: CircuitBreaker, options: { keyIsProven?: boolean; isEnd?: boolean } = {}) =>
    breaker.check({ keyIsProven: true, isEnd: false, ...options })?.message

  it('need a control group immediately, and once', () => {
    const breaker = refused()
    expect(breaker.isInDoubt).toBe(true)
    const needsOne = (requests: number) => breaker.takeTurnForControlGroup({ requests, isEnd: false })
    expect([needsOne(1), needsOne(1), needsOne(2)]).toEqual([true, false, false])
  })

  it('stop the run when three of a control group are refused, however small or large it is', () => {
    for (const size of [3, 5, 20]) {
      const breaker = refused()
      breaker.startControlGroup(size)
      breaker.observe(refusal(2), [], true)
      for (let gone = 1; gone <= 3; gone++) {
        expect(check(breaker)).toBeUndefined()
        breaker.observe(refusal(3), some(1, 'refused', true), true)
      }
      expect(check(breaker)).toContain('refuses even identifiers that it returned most recently (3)')
    }
  })

  it('are over with the first records, also those of the control group', () => {
    const breaker = refused(some(9, 'refused', false))
    breaker.startControlGroup(5)
    for (const input of some(2, 'refused', true)) breaker.observe(refusal(3), [input], true)
    breaker.observe(records(4), some(3, 'returned', true), true)
    expect(breaker.isRefusedOnly).toBe(false)
    expect(breaker.isInDoubt).toBe(false)
    breaker.observe(refusal(5), some(1, 'refused', false))
    expect(check(breaker, { isEnd: true })).toBeUndefined()
  })

  it('stop the run at ten identifiers where there is no control group', () => {
    expect(check(refused(some(9, 'refused', false)))).toBeUndefined()
    expect(check(refused(some(10, 'refused', false)))).toContain('IDENTIFAI_API_URL')
  })

  it('stop the run at its end, for any number, where each is a 404 and the key is not proven', () => {
    const unproven = { keyIsProven: false, isEnd: true }
    expect(check(refused(some(1, 'refused', false)), unproven)).toContain('IDENTIFAI_API_URL')
    expect(check(refused(some(1, 'refused', false)), { isEnd: true })).toBeUndefined()
    expect(check(refused(some(1, 'refused', false), 422), unproven)).toBeUndefined()
  })
})

it('web pages stop the run at the third, unless it has had records', () => {
  const breaker = new CircuitBreaker(true)
  expect([breaker.observePage('<html>'), breaker.observePage('<html>')]).toEqual([undefined, undefined])
  expect(breaker.observePage('<html>')?.message).toContain('IDENTIFAI_API_URL')
  const other = new CircuitBreaker(true)
  other.observe(records(1), [])
  for (let page = 0; page < 10; page++) expect(other.observePage('<html>')).toBeUndefined()
})

it('each reason to stop says what the API did, what it means for the identifiers, and what to check', () => {
  const [kept, newer, submitted] = [
    'The circuit breaker stopped the run, and nothing was changed for these identifiers. ',
    'Check for a newer identifai-sync.',
    'and if these identifiers were submitted. A file hash is not an identifier.',
  ]
  const [refusedControls, pages] = [new CircuitBreaker(true), new CircuitBreaker(true)]
  refusedControls.observe(refusal(1), [])
  refusedControls.startControlGroup(3)
  for (const input of some(3, 'refused', true)) refusedControls.observe(refusal(2), [input], true)
  for (let page = 0; page < 2; page++) pages.observePage('text/html')
  expect([
    reasonOf(some(50, 'absent', false)),
    reasonOf(some(50, 'rejected', false)),
    reasonOf(some(50, 'undocumented', false)),
    reasonOf(some(10, 'refused', false)),
    reasonOf(some(50, 'absent', true)),
    refusedControls.check({ keyIsProven: true, isEnd: false })?.message,
    pages.observePage('text/html')?.message,
  ]).toEqual([
    `${kept}The API returns none of 50 identifiers. Check IDENTIFAI_API_KEY, IDENTIFAI_API_URL, ${submitted}`,
    `${kept}Too many records (50 of 50) do not fit the contract, because the API has changed. ${newer}`,
    `${kept}Too many records (50 of 50) have a status that is not documented, because the API has changed. ${newer}`,
    `${kept}The API refuses every request (400, 404 or 422), also for single identifiers (10). Check IDENTIFAI_API_URL, ${submitted}`,
    `${kept}The API no longer returns 50 of 50 identifiers that it returned before. Check if IDENTIFAI_API_KEY is the key of another account, or if IDENTIFAI_API_URL is wrong.`,
    `${kept}The API refuses even identifiers that it returned most recently (3), and accepts no request. Check if the path of IDENTIFAI_API_URL is wrong, or if IDENTIFAI_API_KEY is the key of another account.`,
    `${kept}Each response is a text or a web page in place of JSON (text/html). Correct IDENTIFAI_API_URL, or check HTTPS_PROXY and NO_PROXY.`,
  ])
})

describe('the circuit breaker, at its limits', () => {
  it('is not in doubt before any response, and only refused requests count as refusals', () => {
    const breaker = new CircuitBreaker(true)
    expect([breaker.isRefusedOnly, breaker.isInDoubt]).toEqual([false, false])
    breaker.observe(records(1), some(9, 'returned', false))
    expect([breaker.isRefusedOnly, breaker.isInDoubt]).toEqual([false, false])
  })

  it('counts a batch as control group by its finished identifiers alone', () => {
    const breaker = new CircuitBreaker(true)
    breaker.observe(records(1, 2), some(100, 'absent', true))
    breaker.observe(records(3), [...some(10, 'returned', true), ...some(90, 'returned', false)])
    expect(breaker.isInDoubt).toBe(true)
  })

  it('never takes an acquittal back, and keeps absences that were seen at the moment of the request', () => {
    const breaker = new CircuitBreaker(true)
    breaker.observe(records(4), some(20, 'returned', true))
    breaker.observe(records(2), some(20, 'returned', true))
    expect(breaker.acquittedBefore).toBe(times(4).requestedAt)
    const other = new CircuitBreaker(true)
    other.observe(records(1, 3), some(100, 'absent', true))
    other.observe(records(3), some(20, 'returned', true))
    expect(other.isInDoubt).toBe(true)
  })

  it('stops at five of a control group, and not at four, of which none is returned', () => {
    const stops = [4, 5].map((size) => {
      const breaker = new CircuitBreaker(true)
      breaker.observe(records(1, 2), some(100, 'absent', false))
      breaker.startControlGroup(size)
      breaker.observe(records(3), some(size, 'absent', true), true)
      return breaker.check({ keyIsProven: true, isEnd: false }) !== undefined
    })
    expect(stops).toEqual([false, true])
  })

  it('waits for a control group before absences that fill the window stop the run', () => {
    const breaker = new CircuitBreaker(true)
    for (let response = 0; response < 10; response++) breaker.observe(records(1), some(100, 'absent', true))
    expect(breaker.check({ keyIsProven: true, isEnd: false })).toBeUndefined()
    breaker.startControlGroup(0)
    expect(breaker.check({ keyIsProven: true, isEnd: false })).toBeDefined()
  })

  it('does not take a 404 among other refusals for a wrong address', () => {
    const breaker = new CircuitBreaker(false)
    for (const status of [404, 422]) breaker.observe(refusal(1, status), some(1, 'refused', false))
    expect(breaker.check({ keyIsProven: false, isEnd: true })).toBeUndefined()
  })
})
