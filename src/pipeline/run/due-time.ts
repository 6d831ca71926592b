const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Seconds until an unfinished analysis is asked for again: as long as it has waited, within a minute and an hour. */
export function pollAfterSeconds(ageSeconds: number): number {
  return Math.min(Math.max(ageSeconds, MINUTE), HOUR)
}

/** Seconds until an identifier that was never finished is asked for again, after its `absences`-th absence (from 1). */
export function absentAfterSeconds(absences: number): number {
  const delays = [MINUTE, 15 * MINUTE, 2 * HOUR, 12 * HOUR]
  return delays[Math.min(absences, delays.length) - 1] as number
}

/** Seconds until a missing identifier is asked for again. */
export const MISSING_AFTER_SECONDS = 30 * DAY

/** Seconds until an identifier whose ask was lost to a failure is asked for again, after `attempts` losses (from 1). */
export function retryAfterSeconds(attempts: number): number {
  return Math.min(MINUTE * 2 ** (attempts - 1), 15 * MINUTE)
}
