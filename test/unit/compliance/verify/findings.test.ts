import { describe, expect, it } from 'vitest'
import { timeCheck } from '../../../../src/compliance/verify/findings.ts'

const FORMER = { finished_at: '2026-07-01T02:10:00.000000Z' }
const RUN = {
  requests: 3,
  started_at: '2026-07-02T02:00:00.000000Z',
  finished_at: '2026-07-02T02:10:00.000000Z',
}

describe('a row that a run has sealed', () => {
  it.each([
    ['a revision of the run', { observed_at: '2026-07-02T02:05:00.000000Z' }, RUN],
    [
      'a revision under a clock that was set by less than an hour',
      { observed_at: '2026-07-02T01:05:00.000000Z' },
      RUN,
    ],
    ['a note since the run before', { note_id: 1, noted_at: '2026-07-01T12:00:00.000000Z' }, RUN],
    ['a revision that was replayed', { observed_at: '2026-05-01T00:00:00.000000Z' }, { ...RUN, requests: 0 }],
    ['one without a time, which is another finding', {}, RUN],
  ])('was written at its time: %s', (_, row, run) => {
    expect(timeCheck(run, FORMER)(row)).toBeUndefined()
  })

  it.each([
    ['a revision from before the run', { observed_at: '2026-07-02T00:59:59.000000Z' }],
    ['a revision from after it', { observed_at: '2026-07-02T03:10:01.000000Z' }],
    ['a note from before the run before', { note_id: 1, noted_at: '2026-07-01T01:00:00.000000Z' }],
    ['a note from after the run', { note_id: 1, noted_at: '2026-07-02T03:10:01.000000Z' }],
  ])('was not written at its time: %s', (_, row) => {
    expect(timeCheck(RUN, FORMER)(row)).toMatch(/written manually, or the clock was set$/)
  })

  it('may be a note of any time before the first run', () => {
    expect(timeCheck(RUN, {})({ note_id: 1, noted_at: '2020-01-01T00:00:00.000000Z' })).toBeUndefined()
  })
})
