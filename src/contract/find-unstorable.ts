import { isJsonObject, type Json } from '../json.ts'
import { appendToPointer } from './json-pointer.ts'
import type { Issue } from './validation.ts'

/** Levels of nesting accepted: far beyond any record, far within PostgreSQL's stack and ours. */
export const MAX_DEPTH = 200

/**
 * The first place of a record that PostgreSQL cannot store: a U+0000 or a lone surrogate in a text or a key, a
 * number beyond double precision (JSON.parse makes it infinite), or nesting deeper than MAX_DEPTH.
 *
 * Iterative, so that nesting of any depth is reported instead of overflowing our own stack.
 */
export function findUnstorable(record: Json): Issue | undefined {
  const waiting: Place[] = [{ value: record, path: '', depth: 0 }]
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const { value, path, depth } = place
    if (typeof value === 'string') {
      const message = unstorableText(value)
      if (message) return { path, message }
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) return { path, message: 'is a number beyond double precision' }
    } else if (typeof value === 'object' && value !== null) {
      if (depth === MAX_DEPTH) return { path, message: `is nested more than ${MAX_DEPTH} levels deep` }
      const key = Object.keys(value).find((name) => isJsonObject(value) && unstorableText(name))
      if (key !== undefined) return { path, message: `has a key that ${unstorableText(key)}` }
      for (const [name, child] of Object.entries(value)) {
        waiting.push({ value: child, path: appendToPointer(path, name), depth: depth + 1 })
      }
    }
  }
  return undefined
}

interface Place {
  readonly value: Json
  readonly path: string
  readonly depth: number
}

function unstorableText(text: string): string | undefined {
  if (text.includes('\0')) return 'holds the character U+0000, which PostgreSQL cannot store'
  if (!text.isWellFormed()) return 'holds half of a surrogate pair, which no database text can hold'
  return undefined
}
