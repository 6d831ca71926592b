/** Longest pause that is waited out; a longer one ends the pass. */
export const MAX_PAUSE_MS = 5 * 60_000

/**
 * How long a `Retry-After` header asks to wait, in milliseconds, not negative; undefined when it is absent or says
 * nothing. A date is read against the answer's own `Date`, so that the difference of two clocks does not count.
 *
 * Source: RFC 9110, section 10.2.3 (delay in seconds, or an HTTP date).
 */
export function retryAfterMs(
  header: string | undefined,
  answered: { readonly date: Date | null; readonly now: number },
): number | undefined {
  const text = header?.trim()
  if (!text) return undefined
  if (/^\d+$/.test(text)) return Number(text) * 1000
  // Date.parse also takes what is no HTTP date, such as "1.5": a date has letters.
  const until = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(until)) return undefined
  return Math.max(0, until - (answered.date?.getTime() ?? answered.now))
}
