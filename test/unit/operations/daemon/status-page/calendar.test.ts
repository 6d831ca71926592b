import { expect, it } from 'vitest'
import { calendarOf } from '../../../../../src/operations/daemon/status-page/calendar.ts'

/** 2026-07-02 is a Thursday. */
const TODAY = '2026-07-02'

const nightlyRun = (day: string) => ({
  day,
  started_at: new Date(`${day}T00:00:00Z`),
  status: 'succeeded' as const,
  seconds: 60,
  requests: 1,
  changed: 1,
  error: null,
})

function missedDays(nightly: readonly string[], first: string | null): string[] {
  const weeks = calendarOf({ nightly: nightly.map(nightlyRun), first_nightly_day: first, today: TODAY })
  return weeks.flat().flatMap((day) => (day?.isMissed ? [day.day] : []))
}

it('has five weeks from Monday to Sunday, and nothing after today', () => {
  const weeks = calendarOf({ nightly: [], first_nightly_day: null, today: TODAY })
  expect(weeks.map((week) => week.length)).toEqual([7, 7, 7, 7, 7])
  expect(weeks[0]?.[0]?.day).toBe('2026-06-01')
  expect(weeks[4]?.map((day) => day?.day)).toEqual([
    '2026-06-29',
    '2026-06-30',
    '2026-07-01',
    '2026-07-02',
    undefined,
    undefined,
    undefined,
  ])
  expect(weeks.flat().filter((day) => day?.isToday)).toMatchObject([{ day: TODAY }])
})

it.each([
  { nightly: [], first: null, missed: [] },
  { nightly: ['2026-06-28', '2026-06-30'], first: '2026-06-28', missed: ['2026-06-29', '2026-07-01'] },
  // The first nightly run is older than the calendar.
  { nightly: ['2026-06-03', '2026-06-04'], first: '2026-01-01', missed: ['2026-06-01', '2026-06-02'] },
])('a day is missed between the first nightly run and today: $first', ({ nightly, first, missed }) => {
  expect(missedDays(nightly, first).slice(0, 2)).toEqual(missed)
})

it('shows the last of several nightly runs of a day', () => {
  const first = nightlyRun('2026-07-01')
  const last = { ...nightlyRun('2026-07-01'), seconds: 120 }
  const weeks = calendarOf({ nightly: [first, last], first_nightly_day: '2026-07-01', today: TODAY })
  expect(weeks.flat().find((day) => day?.day === '2026-07-01')).toMatchObject({ runs: 2, run: last })
})
