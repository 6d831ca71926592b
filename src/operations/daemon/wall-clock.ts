const MINUTE_MS = 60_000

/**
 * What a clock on the wall of a time zone shows, in whole minutes, counted as if the zone were UTC. In spring it leaps
 * ahead by an hour, in autumn it goes back by one.
 */
export function createWallClock(timeZone: string): (instant: Date) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  return (instant) => {
    const shown = Object.fromEntries(
      format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]),
    )
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0 } = shown
    return Date.UTC(year, month - 1, day, hour, minute) / MINUTE_MS
  }
}
