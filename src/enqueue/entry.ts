/** The ledger's limit on an identifier, in bytes. */
export const MAX_IDENTIFIER_BYTES = 1024

/** One identifier as somebody gave it, and where. */
export interface Entry {
  /** Line of the file, from 1; position among the arguments for those. */
  readonly line: number
  readonly identifier: string
  readonly submittedAt: Date | null
  readonly source: string | null
}

/** What cannot be tracked, and why. */
export interface InvalidEntry {
  readonly line: number
  readonly reason: string
}

/** Checks one raw entry; an identifier is taken literally but for surrounding white space. */
export function parseEntry(raw: {
  readonly line: number
  readonly identifier: string
  readonly submittedAt?: string | undefined
  readonly source?: string | undefined
}): Entry | InvalidEntry {
  const { line } = raw
  const identifier = raw.identifier.trim()
  if (identifier === '') return { line, reason: 'blank' }
  if (Buffer.byteLength(identifier) > MAX_IDENTIFIER_BYTES) {
    return { line, reason: `longer than ${MAX_IDENTIFIER_BYTES} bytes` }
  }
  if (identifier.includes('\0')) return { line, reason: 'holds the character U+0000' }
  if (identifier.includes('\uFFFD')) return { line, reason: 'not valid UTF-8' }
  const submitted = raw.submittedAt?.trim() || null
  const submittedAt = submitted === null ? null : parseTime(submitted)
  if (submittedAt === undefined) return { line, reason: 'submitted_at is not an ISO 8601 time' }
  return { line, identifier, submittedAt, source: raw.source?.trim() || null }
}

export function isInvalid(entry: Entry | InvalidEntry): entry is InvalidEntry {
  return 'reason' in entry
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/** A date, or a date and time; without a zone it is UTC. */
function parseTime(text: string): Date | undefined {
  const match = ISO_TIME.exec(text)
  if (!match) return undefined
  const hasZone = match[1] !== undefined
  const isDateOnly = text.length === 10
  // PostgreSQL prints +02, Date wants +02:00.
  const full = text.replace(' ', 'T').replace(/([+-]\d{2})$/, isDateOnly ? '$1' : '$1:00')
  const time = new Date(isDateOnly || hasZone ? full : `${full}Z`)
  if (Number.isNaN(time.getTime())) return undefined
  // Date accepts 31 February and moves it; the day that was written has to be a day.
  const day = Number(text.slice(8, 10))
  return day <= new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate()
    ? time
    : undefined
}
