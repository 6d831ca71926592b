import { describe, expect, it } from 'vitest'
import { beginsUnobserved, coverageGaps } from '../../../../src/compliance/report/coverage-gaps.ts'
import { GAP_KINDS } from '../../../../src/compliance/report/schema.ts'

const FROM = '2026-07-01T00:00:00.000000Z'
const TO = '2026-10-01T00:00:00.000000Z'
const BEFORE = '2026-09-30T23:59:59.999999Z'
const COVERED = {
  observed_since: BEFORE,
  confirmed_since: TO,
  unfinished_since: TO,
  reanalyzing: 0,
  unsealed_runs: 0,
  pending: 1,
  missing: 0,
  quarantined: 0,
}

function gapsOf(change: object, finished_at = TO): string[] {
  return coverageGaps(
    { from: FROM, to: TO, time_zone: 'UTC' },
    { finished_at },
    { ...COVERED, ...change },
  ).map(({ gap }) => gap)
}

describe('a report', () => {
  it('is complete when everything reaches the end of its period, which is not in it', () => {
    expect(gapsOf({})).toEqual([])
    expect(gapsOf({ confirmed_since: null, unfinished_since: null, observed_since: null })).toEqual([])
  })

  const LEAST: Record<(typeof GAP_KINDS)[number], [change: object, finishedAt?: string]> = {
    // Before the end of the period nothing can have been confirmed after it.
    period_not_over: [{ confirmed_since: BEFORE }, BEFORE],
    unobserved: [{ observed_since: TO }],
    unfinished: [{ unfinished_since: BEFORE }],
    unconfirmed: [{ confirmed_since: BEFORE }],
    reanalyzing: [{ reanalyzing: 1 }],
    unsealed: [{ unsealed_runs: 1 }],
  }

  it.each(GAP_KINDS)('is not complete, and has that gap alone, by the least difference: %s', (gap) => {
    expect(gapsOf(...LEAST[gap])).toEqual([gap])
  })

  it('states that its beginning was not observed', () => {
    expect(beginsUnobserved({ observed_since: BEFORE }, { from: FROM })).toBe(true)
    expect(beginsUnobserved({ observed_since: FROM }, { from: FROM })).toBe(false)
    expect(beginsUnobserved({ observed_since: BEFORE }, { from: null })).toBe(false)
    expect(beginsUnobserved({ observed_since: null }, { from: FROM })).toBe(false)
  })
})
