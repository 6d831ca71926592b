import type { SlotWatch } from './slot-watch.ts'

/**
 * Tells whether a night is owed: whether a time of the schedule has come since the last night. It may be asked each minute
 * for a month; a minute is looked at once, for as long as the last night stays the same.
 */
export function createMissedRunCheck(
  watchNightly: (since: Date) => SlotWatch,
): (lastNightly: Date, now: Date) => boolean {
  let since: number | undefined
  let watch: SlotWatch | undefined
  let isMissed = false
  return (lastNightly, now) => {
    if (!watch || lastNightly.getTime() !== since) {
      since = lastNightly.getTime()
      watch = watchNightly(lastNightly)
      isMissed = false
    }
    isMissed ||= watch.hasCome(now)
    return isMissed
  }
}
