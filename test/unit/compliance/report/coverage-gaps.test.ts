import { describe, expect, it } from 'vitest'
import { beginsUnobserved, coverageGaps } from '../../src/compliance/report/coverage-gaps.ts'

const FROM = '2026-07-01T00:00:00.000000Z'
const TO = '2026-10-01T00:00:00.000000Z'
const BEFORE = '2026-09-30T23:59:59.999999Z'
const COVERED = {
  observed_since: BEFORE,
  confirmed_since: TO,
  unfinished_enqueued_since: TO,
  reanalyzing: 0,
  unsealed_runs: 0,
  pending: 1,
  missing: 0,
  quarantined: 0,
}

function gapsOf(change: object, finished_at = TO): string[] {
  return coverageGaps({ from: FROM, to: TO }, { finished_at }, { ...COVERED, ...change }).map(
    ({ gap }) => gap,
  )
}

describe('a report', () => {
  it('is complete when everything reaches the end of its period, which is not in it', () => {
    expect(gapsOf({})).toEqual([])
    expect(gapsOf({ confirmed_since: null, unfinished_enqueued_since: null, observed_since: null })).toEqual(
      [],
    )
  })

  it.each([
    ['unfinished', { unfinished_enqueued_since: BEFORE }],
    ['unconfirmed', { confirmed_since: BEFORE }],
    ['unobserved', { observed_since: TO }],
    ['reanalyzing', { reanalyzing: 1 }],
    ['unsealed', { unsealed_runs: 1 }],
  ])('is not complete by a hair: %s', (gap, change) => {
    expect(gapsOf(change)).toEqual([gap])
  })

  it('is not complete before its period is over, and then nothing can have been confirmed after it', () => {
    expect(gapsOf({ confirmed_since: BEFORE }, BEFORE)).toEqual(['period_not_over'])
  })

  it('says when nobody was looking at its beginning', () => {
    expect(beginsUnobserved({ observed_since: BEFORE }, { from: FROM })).toBe(true)
    expect(beginsUnobserved({ observed_since: FROM }, { from: FROM })).toBe(false)
    expect(beginsUnobserved({ observed_since: BEFORE }, { from: null })).toBe(false)
    expect(beginsUnobserved({ observed_since: null }, { from: FROM })).toBe(false)
  })
})
