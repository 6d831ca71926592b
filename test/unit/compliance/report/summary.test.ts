import { expect, it } from 'vitest'
import type { Decision, ForceEvent } from '../../../../src/compliance/report/schema.ts'
import { summarizePeriod } from '../../../../src/compliance/report/summary.ts'

/** The weeks of events that were observed on these days; a report of another origin can have any day. */
function weeksOf(...days: readonly string[]) {
  const events = days.map((day) => ({ not_after: `${day}T00:00:00.000000Z`, in_period: 'certainly' }))
  return summarizePeriod(events as ForceEvent[], [] as Decision[], 0).by_week
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

it('ends with the last week that four digits of a year can hold', () => {
  expect(weeksOf('9999-12-20', '9999-12-31').map(({ week }) => week)).toEqual(['9999-12-20', '9999-12-27'])
})
