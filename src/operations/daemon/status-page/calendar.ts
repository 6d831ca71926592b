import type { RunStatus } from '../../../platform/postgres/tables/runs.ts'
import { CALENDAR_DAYS, type Recent } from '../../status/read-recent.ts'

type NightlyRun = Recent['nightly'][number]

/** One day of the calendar. */
export interface Day {
  /** `2026-07-01` */
  readonly day: string
  readonly isToday: boolean
  /** The last nightly run that started on that day; null when none did. */
  readonly run: NightlyRun | null
  /** The day is past, later than the first nightly run, and without one. */
  readonly isMissed: boolean
  /** The number of nightly runs that started on that day. */
  readonly runs: number
}

/** Five weeks from Monday to Sunday, of which the last one has today. Days in the future are null. */
export function calendarOf({
  nightly,
  first_nightly_day: first,
  today,
}: Pick<Recent, 'nightly' | 'first_nightly_day' | 'today'>): (Day | null)[][] {
  const byDay = Map.groupBy(nightly, ({ day }) => day)
  const monday = new Date(`${today}T00:00:00Z`)
  // Sunday is 0.
  monday.setUTCDate(monday.getUTCDate() - ((monday.getUTCDay() + 6) % 7) - (CALENDAR_DAYS - 7))
  return Array.from({ length: CALENDAR_DAYS / 7 }, (_, week) =>
    Array.from({ length: 7 }, (_weekday, weekday) => {
      const date = new Date(monday)
      date.setUTCDate(monday.getUTCDate() + week * 7 + weekday)
      const day = date.toISOString().slice(0, 10)
      const runs = byDay.get(day) ?? []
      if (day > today) return null
      const isMissed = runs.length === 0 && first !== null && day > first && day < today
      return { day, isToday: day === today, run: runs.at(-1) ?? null, isMissed, runs: runs.length }
    }),
  )
}

/** A shape for each status, so that color is not the only difference. The paths are in a square of 16 units. */
export const SHAPES: { readonly [Status in RunStatus]: string } = {
  succeeded: 'M3 8.5 6.5 12 13 4.5',
  partial: 'M8 3v6M8 12v1',
  failed: 'M4 4l8 8M12 4l-8 8',
  interrupted: 'M5.5 4v8M10.5 4v8',
  running: 'M5 3.5l7 4.5-7 4.5z',
}
