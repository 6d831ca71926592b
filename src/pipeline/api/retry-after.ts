import { RETRY_POLICY } from '../../platform/retry.ts'

/** Numbers from here on are Unix times, which some servers send: this many seconds are 31 years. */
const UNIX_SECONDS_FROM = 1e9
const UNIX_MILLISECONDS_FROM = 1e12

/**
 * Reads the pause of a `Retry-After` header, in milliseconds, from 0 to an hour; undefined when it is absent or not
 * readable. A time is compared with the `Date` of the same response, so that a difference between clocks does not count.
 *
 * Source: RFC 9110, section 10.2.3 (delay in seconds, or an HTTP date). Fractions of seconds, and Unix times in seconds or
 * milliseconds, are common errors of servers.
 */
export function retryAfterMs(
  header: string | undefined,
  response: { readonly date: Date | null; readonly now: number },
): number | undefined {
  const text = header?.trim() ?? ''
  const now = response.date?.getTime() ?? response.now
  const pauseMs = /^\d+(\.\d+)?$/.test(text)
    ? numberMs(Number(text), now)
    : Date.parse(withLetters(text)) - now
  if (Number.isNaN(pauseMs)) return undefined
  return Math.min(Math.max(0, pauseMs), RETRY_POLICY.request.longestPauseMs)
}

function numberMs(number: number, now: number): number {
  if (number >= UNIX_MILLISECONDS_FROM) return number - now
  return number >= UNIX_SECONDS_FROM ? number * 1000 - now : number * 1000
}

/** Date.parse also accepts texts that are not HTTP dates, such as "1-5": a date has letters. */
function withLetters(text: string): string {
  return /[a-z]/i.test(text) ? text : ''
}
