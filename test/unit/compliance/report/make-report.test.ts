import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { describe, expect, it } from 'vitest'
import { canonicalParts, dataDigest, makeReport } from '../../../../src/compliance/report/make-report.ts'
import { listedInPeriod } from '../../../../src/compliance/report/period.ts'
import { reportDataSchema, type Report } from '../../../../src/compliance/report/schema.ts'
import { at } from '../../../support/july.ts'
import { change, factsOf, noteOf } from '../../../support/report-facts.ts'

const PERIOD = { from: at(10), to: at(20), time_zone: 'UTC' }
const reportOn = (...facts: Parameters<typeof factsOf>) => makeReport('audio', PERIOD, factsOf(...facts))

describe('a report', () => {
  it('makes one decision of events that can have happened at one moment, with what they have in common', () => {
    const { decisions, events } = reportOn(
      [
        change(2, { not_before: at(11, 12), not_after: at(13), forced_from: 'artificial' }),
        change(1),
        change(3, { not_before: null, not_after: at(12, 6) }),
      ],
      [noteOf(1, at(12)), noteOf(2, at(18), { corrects: 1, author: 'B. Neri' })],
    )
    expect(decisions).toEqual([
      {
        decision: 1,
        in_period: 'certainly',
        file_hash: 'file',
        forced_from: null,
        forced_from_differs: true,
        forced_to: 'human',
        not_before: at(11, 12),
        not_after: at(12),
        identifiers: 3,
        tracked: 'file'.length,
        explanation: 'explained',
        explained_by: 1,
        notes: [noteOf(1, at(12)), noteOf(2, at(18), { corrects: 1, author: 'B. Neri' })],
      },
    ])
    expect(events.map(({ classification_id, ...event }) => [classification_id, event.in_period])).toEqual([
      [1, 'certainly'],
      [3, 'possibly'],
      [2, 'certainly'],
    ])
    expect(events.map(({ decision, same_file_identifiers }) => [decision, same_file_identifiers])).toEqual([
      [1, 10],
      [1, 30],
      [1, 20],
    ])
  })

  it('has the label before a decision when all of its identifiers had the same', () => {
    const before = { forced_from: 'artificial', event: 'force_changed' } as const
    expect(reportOn([change(1, before), change(2, before)]).decisions).toMatchObject([
      { forced_from: 'artificial', forced_from_differs: false },
    ])
  })

  it('has no label before a decision when its identifiers had different ones, in any order', () => {
    const first = { not_before: at(10), forced_from: 'artificial', event: 'force_changed' } as const
    expect(reportOn([change(1, first), change(2)]).decisions).toMatchObject([
      { forced_from: null, forced_from_differs: true },
    ])
  })

  it('lists a decision with an event in the period whole, with its events outside', () => {
    const { decisions, events } = reportOn([
      change(1, { not_before: at(8), not_after: at(9, 12) }),
      change(2, { not_before: at(9), not_after: at(12) }),
    ])
    expect(decisions).toMatchObject([{ in_period: 'no', identifiers: 2, not_after: at(9, 12) }])
    expect(events.map(({ in_period }) => in_period)).toEqual(['no', 'possibly'])
  })

  it('numbers decisions in the order of time, and lists those outside the period for the same file and label', () => {
    const { decisions, events, summary } = reportOn([
      change(1),
      change(2, { not_before: at(3), not_after: at(4) }),
      change(3, { not_before: at(3), not_after: at(4), file_hash: 'other' }),
      change(4, { not_before: at(3), not_after: at(4), forced_to: 'artificial' }),
    ])
    expect(decisions.map(({ decision, in_period, not_before }) => [decision, in_period, not_before])).toEqual(
      [
        [1, 'no', at(3)],
        [2, 'certainly', at(11)],
      ],
    )
    expect(events.map(({ classification_id, decision }) => [classification_id, decision])).toEqual([
      [2, 1],
      [1, 2],
    ])
    expect(summary.period).toMatchObject({ events: 1, decisions: 1, already_forced: 2 })
    expect(listedInPeriod({ decisions, events } as unknown as Report)).toEqual({
      decisions: decisions.slice(1),
      events: events.slice(1),
    })
  })

  it('makes a decision on each identifier without a file hash, which is tracked once', () => {
    const { decisions, events } = reportOn([
      change(1, { file_hash: null }),
      change(2, { file_hash: null }),
      change(3, { file_hash: null, not_before: at(3), not_after: at(4) }),
    ])
    // The third one is not concerned, because it was not forced in the period.
    expect(events.map(({ identifier }) => identifier)).toEqual(['id-1', 'id-2'])
    expect(decisions.map(({ file_hash, tracked, identifiers }) => [file_hash, tracked, identifiers])).toEqual(
      [
        [null, 1, 1],
        [null, 1, 1],
      ],
    )
  })

  it('orders events of one time by their keys', () => {
    const keys = [
      [2, 2],
      [1, 3],
      [1, 2],
    ] as const
    const { events } = reportOn(keys.map(([id, revision_no]) => change(id, { revision_no })))
    expect(events.map(({ classification_id, revision_no }) => [classification_id, revision_no])).toEqual(
      keys.toReversed(),
    )
  })

  it.each([
    ['forced', 'human', 'not_c2pa_path'],
    ['forced', 'artificial', 'not_c2pa_path'],
    ['force_changed', 'human', 'not_c2pa_path'],
    ['force_changed', 'artificial', 'undetermined'],
    ['unforced', null, 'undetermined'],
  ] as const)('has the origin of a change that is %s, to %s: %s', (event, forced_to, force_origin) => {
    expect(reportOn([change(1, { event, forced_to })]).events).toMatchObject([{ force_origin }])
  })

  it('accepts only times that exist', () => {
    const report = reportOn([])
    const withEnd = (to: string) =>
      reportDataSchema.safeParse({ ...report, head: { ...report.head, period: { ...PERIOD, to } } }).success
    expect(withEnd('2026-02-28T00:00:00.000000Z')).toBe(true)
    expect(withEnd('2026-02-30T00:00:00.000000Z')).toBe(false)
    expect(withEnd('2026-13-01T00:00:00.000000Z')).toBe(false)
  })

  it('is complete without a gap, and has the facts of its run', () => {
    const facts = factsOf([])
    expect(makeReport('audio', PERIOD, facts).head).toMatchObject({
      title: 'Forced classifications',
      media: 'audio',
      period: PERIOD,
      as_of: facts.asOf,
      coverage: { is_complete: true, gaps: [], ...facts.coverage },
    })
    const gap = makeReport('audio', { ...PERIOD, to: at(26) }, facts).head.coverage
    expect(gap).toMatchObject({ is_complete: false, gaps: [{ gap: 'period_not_over' }] })
  })

  it('has the digest of its RFC 8785 JSON, as another implementation writes it, and fits its schema', () => {
    const report = reportOn([change(1), change(2, { file_hash: null })], [noteOf(1, at(13))])
    const text = canonicalize(report) as string
    expect([...canonicalParts(report)].join('')).toBe(text)
    expect(dataDigest(report)).toBe(createHash('sha256').update(text).digest('hex'))
    expect(reportDataSchema.safeParse(report).error).toBeUndefined()
  })
})
