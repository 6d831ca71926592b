import { appendToPointer, isJsonObject, type Json, type JsonObject, setOwn } from '../platform/json.ts'
import { asReceived } from './compact.ts'
import type { Issue, Unstorable } from './validation.ts'

/** Accepted levels of nesting: more than any record has, and safe for the stacks of PostgreSQL and Node. */
export const MAX_DEPTH = 200

/** The problems that a record has for PostgreSQL. */
export interface Examination {
  /** The first number that JSON.parse makes infinite, or nesting that is too deep; these have no substitute. */
  readonly issue: Issue | undefined
  /** A text or a key has U+0000 or half of a surrogate pair. */
  readonly hasUnstorableText: boolean
}

/** Examines a record. The bound on the nesting also keeps the recursion shallow, here and in all that follows. */
export function examine(record: JsonObject): Examination {
  const seen = { hasUnstorableText: false }
  const issue = findIssue(record, 0, seen)
  return { issue, ...seen }
}

/** The path is built only for an issue that is found. */
function findIssue(value: Json, depth: number, seen: { hasUnstorableText: boolean }): Issue | undefined {
  if (typeof value === 'string') {
    if (!isStorable(value)) seen.hasUnstorableText = true
    return undefined
  }
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : { path: '', message: 'is a number beyond double precision' }
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === MAX_DEPTH) return { path: '', message: `is nested more than ${MAX_DEPTH} levels deep` }
  if (Array.isArray(value)) {
    for (let position = 0; position < value.length; position++) {
      const found = findIssue(value[position] as Json, depth + 1, seen)
      if (found) return { ...found, path: appendToPointer('', position) + found.path }
    }
    return undefined
  }
  const object = value as JsonObject
  for (const key in object) {
    if (!isStorable(key)) seen.hasUnstorableText = true
    const found = findIssue(object[key] as Json, depth + 1, seen)
    if (found) return { ...found, path: appendToPointer('', key) + found.path }
  }
  return undefined
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/**
 * The value in a form that PostgreSQL can store. It has U+FFFD in place of each character that PostgreSQL cannot store, and
 * no member whose key has one.
 *
 * @param unstorable Receives everything that was replaced or left out. A list that lost empty elements when it was
 *   compacted is listed whole and as received, because its positions are not those of the record.
 */
export function storable<T extends Json>(value: T, unstorable: Unstorable = {}): T {
  return replaced(value, '', unstorable) as T
}

function replaced(value: Json, pointer: string, unstorable: Unstorable): Json {
  if (typeof value === 'string') {
    if (isStorable(value)) return value
    list(unstorable, pointer, value)
    return value.replaceAll('\0', '\uFFFD').toWellFormed()
  }
  if (Array.isArray(value)) {
    const received = asReceived(value)
    const within: Unstorable = received === value ? unstorable : {}
    const copy = value.map((element: Json, position) =>
      replaced(element, appendToPointer(pointer, position), within),
    )
    if (within !== unstorable && Object.keys(within).length > 0) list(unstorable, pointer, received)
    return copy
  }
  if (!isJsonObject(value)) return value
  const copy = {}
  for (const [key, member] of Object.entries(value)) {
    const place = appendToPointer(pointer, key)
    if (isStorable(key)) setOwn(copy, key, replaced(member, place, unstorable))
    else list(unstorable, place, member)
  }
  return copy
}

/** Pointer and text are escaped as in JSON, so that both can be stored, and no two pointers become one. */
function list(unstorable: Unstorable, pointer: string, value: Json): void {
  unstorable[escaped(pointer)] = JSON.stringify(value)
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** The pointers and values that `storable` listed. */
export function unstorableFields(unstorable: Unstorable): [pointer: string, value: Json][] {
  return Object.entries(unstorable).map(([pointer, text]) => [
    JSON.parse(`"${pointer}"`) as string,
    JSON.parse(text) as Json,
  ])
}
