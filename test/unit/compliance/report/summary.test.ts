import { expect, it } from 'vitest'
import type { Decision, ForceEvent } from '../../../../src/compliance/report/schema.ts'
import { summarizePeriod } from '../../../../src/compliance/report/summary.ts'

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
