import { watchSlots } from './slot-watch.ts'

const MINUTE_MS = 60_000

/** The next time of a cron expression after `now`, to the minute; null when none comes within a month. */
export function nextSlot(options: {
  readonly expression: string
  readonly timeZone: string
  readonly now: Date
}): Date | null {
  const watch = watchSlots({ ...options, since: options.now })
  const first = Math.floor(options.now.getTime() / MINUTE_MS) + 1
  for (let minute = first; minute < first + 32 * 24 * 60; minute++) {
    const time = new Date(minute * MINUTE_MS)
    if (watch.hasCome(time)) return time
  }
  return null
}
