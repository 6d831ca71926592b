import { createTask } from 'node-cron'

const MINUTE_MS = 60_000

/** A time that was missed longer ago than this is not caught up. A missed monthly time still is. */
const LOOK_BACK_MINUTES = 32 * 24 * 60

/** In autumn a wall clock goes back by an hour. A step back of more than this means that an operator set the clock. */
const SET_BACK_MINUTES = 180

/** A cron expression of five fields, and the IANA name of the time zone whose wall clock it refers to. */
export interface CronTime {
  readonly expression: string
  readonly timeZone: string
}

export type CronWatch = ReturnType<typeof createCronWatch>

/**
 * Creates a DST-safe watch: a nightly time comes exactly once per night. The watch checks each minute of the zone's
 * wall clock once. A minute that is skipped in spring comes when the clock leaps over it, and a minute that is repeated
 * in autumn comes once. A time that passed between two calls comes at the second call.
 *
 * @param options.since The start: a time up to this moment counts as done.
 */
export function createCronWatch(options: CronTime & { readonly since: Date }) {
  const wallMinute = createWallClock(options.timeZone)
  // Minutes of the wall clock are counted as if the zone were UTC, so the expression is matched in UTC.
  const task = createTask(options.expression, () => {}, { timezone: 'UTC' })
  let checkedUntil = wallMinute(options.since)
  return {
    /** Returns whether a time has come since the previous call, or since the start. Several times count once. */
    checkDue: (now: Date): boolean => {
      const current = wallMinute(now)
      if (current < checkedUntil - SET_BACK_MINUTES) checkedUntil = current
      let isDue = false
      let minute = Math.max(checkedUntil + 1, current - LOOK_BACK_MINUTES)
      for (; minute <= current && !isDue; minute++) isDue = task.match(new Date(minute * MINUTE_MS))
      checkedUntil = Math.max(checkedUntil, current)
      return isDue
    },
  }
}

/** The next time of a cron expression after `now`, to the minute; null when none comes within 32 days. */
export function nextCronTime(options: CronTime & { readonly now: Date }): Date | null {
  const watch = createCronWatch({ ...options, since: options.now })
  const first = Math.floor(options.now.getTime() / MINUTE_MS) + 1
  for (let minute = first; minute < first + LOOK_BACK_MINUTES; minute++) {
    const time = new Date(minute * MINUTE_MS)
    if (watch.checkDue(time)) return time
  }
  return null
}

/**
 * Creates a function that returns the wall clock's time in a zone, in whole minutes, counted as if the zone were UTC.
 * The result leaps ahead by an hour in spring and goes back by an hour in autumn.
 */
function createWallClock(timeZone: string): (instant: Date) => number {
  const date = { year: 'numeric', month: 'numeric', day: 'numeric' } as const
  const time = { hour: 'numeric', minute: 'numeric', hourCycle: 'h23' } as const
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, ...date, ...time })
  return (instant) => {
    const parts = Object.fromEntries(
      format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]),
    )
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = parts
    return Date.UTC(year, month - 1, day, hour, minute) / MINUTE_MS
  }
}
