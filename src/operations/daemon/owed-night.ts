import type { SlotWatch } from './slot-watch.ts'

/**
 * Tells whether a night is owed: whether a time of the schedule has come since the last night. It may be asked each minute
 * for a month; a minute is looked at once, for as long as the last night stays the same.
 */
export function createOwedNight(
  watchNights: (since: Date) => SlotWatch,
): (lastNight: Date, now: Date) => boolean {
  let since: number | undefined
  let watch: SlotWatch | undefined
  let isOwed = false
  return (lastNight, now) => {
    if (!watch || lastNight.getTime() !== since) {
      since = lastNight.getTime()
      watch = watchNights(lastNight)
      isOwed = false
    }
    isOwed ||= watch.hasCome(now)
    return isOwed
  }
}
