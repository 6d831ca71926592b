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

  it('states the number and the oldest time of each gap', () => {
    const statements = coverageGaps(
      { from: FROM, to: TO, time_zone: 'UTC' },
      { finished_at: TO },
      {
        ...COVERED,
        observed_since: TO,
        confirmed_since: BEFORE,
        unfinished_since: BEFORE,
        reanalyzing: 4,
        unsealed_runs: 5,
        missing: 2,
        quarantined: 3,
      },
    ).map(({ statement }) => statement)
    expect(statements).toEqual([
      'The first response was received after the end of the period at 2026-10-01 00:00:00Z. Changes before the first response cannot be observed, so the report has no events.',
      'Some identifiers had no current result, and were not retired. They were enqueued, or last confirmed, before 2026-10-01 00:00:00Z. The oldest time is 2026-09-30 23:59:59Z. In total, 1 were pending, 2 missing and 3 quarantined.',
      'Some finished identifiers were last confirmed before 2026-10-01 00:00:00Z. The oldest confirmation is of 2026-09-30 23:59:59Z.',
      'Some finished identifiers (4) were being analyzed again. Changes of their forced labels are observed when the analysis ends.',
      'Other runs (5) were in progress and had changed contents. Their changes are not in the report.',
    ])
    const [notOver] = coverageGaps({ from: FROM, to: TO, time_zone: 'UTC' }, { finished_at: BEFORE }, COVERED)
    expect(notOver?.statement).toBe(
      'The run that the report describes ended before the end of the period at 2026-10-01 00:00:00Z. Later changes are not in the report.',
    )
  })

  it('states that its beginning was not observed', () => {
    expect(beginsUnobserved({ observed_since: BEFORE }, { from: FROM })).toBe(true)
    expect(beginsUnobserved({ observed_since: FROM }, { from: FROM })).toBe(false)
    expect(beginsUnobserved({ observed_since: BEFORE }, { from: null })).toBe(false)
    expect(beginsUnobserved({ observed_since: null }, { from: FROM })).toBe(false)
  })
})
