import { appendToPointer, isJsonObject, type Json, type JsonObject } from '../platform/json.ts'
import type { Issue } from './validation.ts'

/** Accepted levels of nesting: more than any record has, and safe for the stacks of PostgreSQL and Node. */
export const MAX_DEPTH = 200

/** Returns true when PostgreSQL can store a record as it is. The fast form of `findUnstorable`, which names the place. */
export function isStorable(value: Json, depth = 0): boolean {
  if (typeof value === 'string') return !UNSTORABLE.test(value)
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  // The bound also keeps this recursion shallow.
  if (depth === MAX_DEPTH) return false
  if (Array.isArray(value)) return value.every((element) => isStorable(element, depth + 1))
  const object = value as JsonObject
  for (const key in object) {
    if (UNSTORABLE.test(key) || !isStorable(object[key] as Json, depth + 1)) return false
  }
  return true
}

/** Characters that `unstorableText` finds. */
const UNSTORABLE = /[\0\p{Surrogate}]/u

/**
 * Finds the first place of a record that PostgreSQL cannot store. That is a U+0000 or a lone surrogate in a text or a key,
 * a number that JSON.parse makes infinite, or too deep nesting.
 *
 * Iterative, so that nesting of any depth is reported and does not overflow the stack.
 */
export function findUnstorable(record: Json): Issue | undefined {
  const waiting: Place[] = [{ value: record, depth: 0 }]
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const message = problemWith(place)
    if (message !== undefined) return { path: pointerTo(place), message }
    const { value, depth } = place
    if (typeof value !== 'object' || value === null) continue
    for (const [key, child] of Object.entries(value)) {
      waiting.push({ value: child, depth: depth + 1, parent: place, key })
    }
  }
  return undefined
}

/** A value and the path to it; the pointer is built only for a place that is reported. */
interface Place {
  readonly value: Json
  readonly depth: number
  readonly parent?: Place
  readonly key?: string
}

function pointerTo({ parent, key }: Place): string {
  return parent === undefined || key === undefined ? '' : appendToPointer(pointerTo(parent), key)
}

function problemWith({ value, depth }: Place): string | undefined {
  if (typeof value === 'string') return unstorableText(value)
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : 'is a number beyond double precision'
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === MAX_DEPTH) return `is nested more than ${MAX_DEPTH} levels deep`
  const key = isJsonObject(value) ? Object.keys(value).find(unstorableText) : undefined
  return key === undefined ? undefined : `has a key that ${unstorableText(key)}`
}

function unstorableText(text: string): string | undefined {
  if (text.includes('\0')) return 'holds the character U+0000, which PostgreSQL cannot store'
  if (!text.isWellFormed()) return 'holds half of a surrogate pair, which no database text can hold'
  return undefined
}
