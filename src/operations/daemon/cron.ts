import { createTask } from 'node-cron'
import { createWallClock } from './wall-clock.ts'

/** What was missed longer ago than this is not caught up; a monthly pass still is. */
const LOOK_BACK_MINUTES = 32 * 24 * 60

/** A clock on the wall goes back by an hour in autumn; by more than this only when somebody set it. */
const SET_BACK_MINUTES = 180

/** Notices when a time of a cron expression has come. */
export interface SlotWatch {
  /** Whether one has come since this was asked last, or since the beginning; however many, they are one. */
  hasCome(now: Date): boolean
}

/**
 * Watches the clock on the wall of a time zone and looks at each minute that it shows once: a minute that is left out in
 * spring has come when the clock leaps over it, one that is shown twice in autumn comes once. So a pass at half past two
 * runs exactly once in every night. What was missed while nobody watched has come, too.
 *
 * @param options.expression Five cron fields, in that zone's time.
 * @param options.since The beginning: what came by then is done.
 */
export function watchSlots(options: {
  readonly expression: string
  readonly timeZone: string
  readonly since: Date
}): SlotWatch {
  const wallMinute = createWallClock(options.timeZone)
  // Minutes of the wall clock are counted as if they were of UTC; so they are matched.
  const task = createTask(options.expression, () => {}, { timezone: 'UTC' })
  let seen = wallMinute(options.since)
  return {
    hasCome: (now) => {
      const shown = wallMinute(now)
      if (shown < seen - SET_BACK_MINUTES) seen = shown
      let hasCome = false
      for (
        let minute = Math.max(seen + 1, shown - LOOK_BACK_MINUTES);
        minute <= shown && !hasCome;
        minute++
      ) {
        hasCome = task.match(new Date(minute * 60_000))
      }
      seen = Math.max(seen, shown)
      return hasCome
    },
  }
}
