/** The ledger's limit on an identifier, in bytes. */
export const MAX_IDENTIFIER_BYTES = 1024

export const TOO_LONG = `longer than ${MAX_IDENTIFIER_BYTES} bytes`

/** One identifier as somebody gave it, and where. */
export interface Entry {
  /** Line of the file, from 1; position among the arguments for those. */
  readonly line: number
  readonly identifier: string
  /** ISO 8601 with a zone, as precise as it was given. */
  readonly submittedAt: string | null
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
  const source = raw.source?.trim() || null
  // PostgreSQL takes NEL for white space, JavaScript does not.
  if (/^[\s\u0085]*$/.test(identifier)) return { line, reason: 'blank' }
  if (Buffer.byteLength(identifier) > MAX_IDENTIFIER_BYTES) return { line, reason: TOO_LONG }
  const problem = textProblem(identifier) ?? textProblem(source ?? '')
  if (problem) return { line, reason: problem }
  const submitted = raw.submittedAt?.trim() || null
  const submittedAt = submitted === null ? null : parseTime(submitted)
  if (submittedAt === undefined) {
    return { line, reason: 'submitted_at is not an ISO 8601 time, such as 2026-07-01T10:00:00Z' }
  }
  return { line, identifier, submittedAt, source }
}

function textProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'holds the character U+0000'
  return text.includes('\uFFFD') ? 'not valid UTF-8' : undefined
}

export function isInvalid(entry: Entry | InvalidEntry): entry is InvalidEntry {
  return 'reason' in entry
}

const ISO_TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/** A date, or a date and time, as PostgreSQL takes it; without a zone it is UTC. */
function parseTime(text: string): string | undefined {
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
