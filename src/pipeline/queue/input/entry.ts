import { isBlank, printable } from '../../../platform/text.ts'
import { NOT_UTF8 } from './decode-input.ts'
import { type DateFormat, readTime } from './date-format.ts'

/** Longest identifier that can be tracked, in bytes. */
export const MAX_IDENTIFIER_BYTES = 1024

export const TOO_LONG = `longer than ${MAX_IDENTIFIER_BYTES} bytes`

/** One identifier of the input, and its place there. */
export interface Entry {
  /** Line of the file, from 1; position among the arguments for those. */
  readonly line: number
  readonly identifier: string
  /** ISO 8601 with a zone, as precise as it was given. */
  readonly submittedAt: string | null
  readonly source: string | null
}

/** An entry that cannot be tracked, and why. */
export interface InvalidEntry {
  readonly line: number
  readonly reason: string
}

export type EntryStream = AsyncGenerator<Entry | InvalidEntry>

/** Checks one raw entry. An identifier is taken literally, without surrounding white space. */
export function parseEntry(raw: {
  readonly line: number
  readonly identifier: string
  readonly submittedAt?: string | undefined
  readonly source?: string | undefined
  readonly dateFormat?: DateFormat | undefined
}): Entry | InvalidEntry {
  const { line } = raw
  const identifier = raw.identifier.trim()
  const source = raw.source?.trim() || null
  if (isBlank(identifier)) return { line, reason: 'blank' }
  if (Buffer.byteLength(identifier) > MAX_IDENTIFIER_BYTES) return { line, reason: TOO_LONG }
  const problem = textProblem(identifier) ?? textProblem(source ?? '')
  if (problem) return { line, reason: problem }
  if (/\p{Cc}/u.test(identifier)) return { line, reason: 'holds a control character' }
  const submitted = raw.submittedAt?.trim() || null
  if (submitted === null) return { line, identifier, submittedAt: null, source }
  const submittedAt = readTime(submitted, raw.dateFormat)
  if (submittedAt === undefined) {
    return { line, reason: `${shown(submitted)} ${timeProblem(raw.dateFormat)}` }
  }
  if (!isPlausible(submittedAt)) {
    return { line, reason: `${shown(submitted)} lies before 1970, or more than a day in the future` }
  }
  return { line, identifier, submittedAt, source }
}

/** Characters of a wrong value in a reason. */
const MAX_SHOWN = 40

function shown(submitted: string): string {
  return `submitted_at "${printable(submitted.slice(0, MAX_SHOWN))}"`
}

const DAY_MS = 86_400_000

/** One odd year breaks the calendars of many tools. A local time that has no zone can be ahead by hours. */
function isPlausible(time: string): boolean {
  const instant = Date.parse(time)
  return instant >= 0 && instant < Date.now() + DAY_MS
}

function timeProblem(format: DateFormat | undefined): string {
  return format === undefined
    ? 'is not a time such as 2026-07-01T10:00:00Z (ISO 8601); --date-format allows other forms'
    : `is no existing time of the form ${format}, nor of ISO 8601`
}

function textProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'holds the character U+0000'
  return text.includes('\uFFFD') ? NOT_UTF8 : undefined
}

export function isInvalid(entry: Entry | InvalidEntry): entry is InvalidEntry {
  return 'reason' in entry
}
