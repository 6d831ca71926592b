import { expect, it } from 'vitest'
import type { Decision, ForceEvent } from '../../../../src/compliance/report/schema.ts'
import { summarizeNow, summarizePeriod } from '../../../../src/compliance/report/summary.ts'
import { at } from '../../../support/july.ts'
import { change } from '../../../support/report-facts.ts'

/** The weeks of events that were observed on these days; a report of another origin can have any day. */
function weeksOf(...days: readonly string[]) {
  const events = days.map((day) => ({ not_after: `${day}T00:00:00.000000Z`, in_period: 'certainly' }))
  return summarizePeriod(events as ForceEvent[], [] as Decision[], 0, 'UTC').by_week
}

it('has every week from the first event to the last, by its Monday', () => {
  expect(weeksOf('2026-07-19', '2026-07-01', '2026-07-20')).toEqual([
    { week: '2026-06-29', events: 1, decisions: 0 },
    { week: '2026-07-06', events: 0, decisions: 0 },
    { week: '2026-07-13', events: 1, decisions: 0 },
    { week: '2026-07-20', events: 1, decisions: 0 },
  ])
  expect(weeksOf()).toEqual([])
})

it('counts a day, and so its week, in the time zone of the period, also over a change of its clocks', () => {
  const weeks = (time: string, timeZone: string) =>
    summarizePeriod([{ not_after: time, in_period: 'certainly' }] as ForceEvent[], [], 0, timeZone).by_week
  // Sunday in UTC, and Monday in Rome, before and after the end of summer time.
  expect(weeks('2026-07-19T22:00:00.000000Z', 'Europe/Rome')[0]?.week).toBe('2026-07-20')
  expect(weeks('2026-07-19T21:59:59.999999Z', 'Europe/Rome')[0]?.week).toBe('2026-07-13')
  expect(weeks('2026-11-01T22:30:00.000000Z', 'Europe/Rome')[0]?.week).toBe('2026-10-26')
  expect(weeks('2026-07-20T02:00:00.000000Z', 'America/New_York')[0]?.week).toBe('2026-07-13')
})

it('ends with the last week that four digits of a year can hold', () => {
  expect(weeksOf('9999-12-20', '9999-12-31').map(({ week }) => week)).toEqual(['9999-12-20', '9999-12-27'])
})

it('counts events and decisions of the period by certainty, explanation, labels, confidence and heuristic', () => {
  const event = (id: number, more: object = {}) =>
    ({
      ...change(id, more),
      in_period: 'certainly',
      decision: 1,
      force_origin: 'undetermined',
      same_file_identifiers: 0,
      ...more,
    }) as ForceEvent
  const events = [
    event(1, { machine_confidence_after: 0.9 }),
    event(1, { revision_no: 3, in_period: 'possibly', machine_confidence_after: 0.89 }),
    event(1, { revision_no: 4, machine_confidence_after: 0.95 }),
    event(2, { forced_to: 'artificial', machine_heuristic_after: null }),
    event(3, { machine_classification_after: null, machine_confidence_after: null }),
    event(4, { forced_to: null }),
    event(5, { in_period: 'no' }),
  ]
  const decisions = [
    { in_period: 'certainly', explanation: 'explained' },
    { in_period: 'possibly', explanation: 'unexplained' },
    { in_period: 'certainly', explanation: 'unexplained' },
    { in_period: 'no', explanation: 'explained_late' },
  ].map((one) => ({ ...one, not_after: at(12) })) as Decision[]
  expect(summarizePeriod(events, decisions, 7, 'UTC')).toEqual({
    events: 6,
    events_certainly: 5,
    events_possibly: 1,
    identifiers: 4,
    decisions: 3,
    decisions_certainly: 2,
    decisions_possibly: 1,
    already_forced: 7,
    explained: 1,
    explained_late: 0,
    unexplained: 2,
    machine_to_forced: [
      { machine: 'artificial', forced_to: 'human', events: 3 },
      { machine: 'artificial', forced_to: 'artificial', events: 1 },
      { machine: 'artificial', forced_to: null, events: 1 },
      { machine: null, forced_to: 'human', events: 1 },
    ],
    against_machine: 3,
    against_machine_confidence_090: 2,
    by_heuristic: [
      { heuristic: 'Majority', events: 5 },
      { heuristic: null, events: 1 },
    ],
    by_week: [{ week: '2026-07-06', events: 6, decisions: 3 }],
  })
})

it('has the share of the forced labels, the most frequent first, and none without a result', () => {
  const row = (machine: string, forced_to: string | null, identifiers: number) => ({
    machine,
    forced_to,
    identifiers,
  })
  const forced = [row('b', 'human', 2), row('a', 'human', 1), row('b', 'artificial', 1)]
  expect(summarizeNow([row('a', null, 4), ...forced.toReversed()])).toEqual({
    with_result: 8,
    forced: 4,
    forced_share: 0.5,
    machine_to_forced: forced,
  })
  expect(summarizeNow([])).toEqual({ with_result: 0, forced: 0, forced_share: null, machine_to_forced: [] })
})
