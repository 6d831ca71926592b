/**
 * Reads the pause of a `Retry-After` header, in milliseconds, not negative; undefined when it is absent or not
 * readable. A date is compared with the `Date` of the same response, so that a difference between clocks does not count.
 *
 * Source: RFC 9110, section 10.2.3 (delay in seconds, or an HTTP date).
 */
export function retryAfterMs(
  header: string | undefined,
  response: { readonly date: Date | null; readonly now: number },
): number | undefined {
  const text = header?.trim()
  if (!text) return undefined
  if (/^\d+$/.test(text)) return Number(text) * 1000
  // Date.parse also accepts texts that are not HTTP dates, such as "1.5": a date has letters.
  const until = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(until)) return undefined
  return Math.max(0, until - (response.date?.getTime() ?? response.now))
}
