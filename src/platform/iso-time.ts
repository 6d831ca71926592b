const ISO_TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/**
 * A date (its start), or a date and time, in ISO 8601 with a zone, as PostgreSQL takes it and as precise as it was given;
 * without a zone it is UTC. Undefined for anything else.
 */
export function isoTime(text: string): string | undefined {
  const match = ISO_TIME.exec(text)
  if (!match) return undefined
  const hasZone = match[1] !== undefined
  const isDateOnly = text.length === 10
  // PostgreSQL prints +02, Date wants +02:00.
  const full = text.replace(' ', 'T').replace(/([+-]\d{2})$/, isDateOnly ? '$1' : '$1:00')
  const zoned = isDateOnly || hasZone ? full : `${full}Z`
  if (Number.isNaN(Date.parse(zoned)) || !isDay(text)) return undefined
  return isDateOnly ? `${text}T00:00:00Z` : zoned
}

/** Date accepts 31 February and moves it, and knows a year 0: what was written has to be a day. */
function isDay(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number]
  return year >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}
