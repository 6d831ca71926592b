import { appendToPointer, type Json, type JsonObject } from '../platform/json.ts'
import type { Issue } from './validation.ts'

/** Accepted levels of nesting: more than any record has, and safe for the stacks of PostgreSQL and Node. */
export const MAX_DEPTH = 200

/**
 * Finds the first place of a record that PostgreSQL cannot store. That is a U+0000 or a lone surrogate in a text or a key,
 * a number that JSON.parse makes infinite, or too deep nesting. The path is built only for a place that is found, and the
 * bound on the nesting also keeps this recursion shallow.
 */
export function findUnstorable(value: Json, depth = 0): Issue | undefined {
  if (typeof value === 'string') return issueOf(problemOfText(value))
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : issueOf('is a number beyond double precision')
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === MAX_DEPTH) return issueOf(`is nested more than ${MAX_DEPTH} levels deep`)
  if (Array.isArray(value)) {
    for (let position = 0; position < value.length; position++) {
      const found = findUnstorable(value[position] as Json, depth + 1)
      if (found) return { ...found, path: appendToPointer('', position) + found.path }
    }
    return undefined
  }
  const object = value as JsonObject
  for (const key in object) {
    const problem = problemOfText(key)
    if (problem !== undefined) return issueOf(`has a key that ${problem}`)
    const found = findUnstorable(object[key] as Json, depth + 1)
    if (found) return { ...found, path: appendToPointer('', key) + found.path }
  }
  return undefined
}

const UNSTORABLE = /[\0\p{Surrogate}]/u

function issueOf(message: string | undefined): Issue | undefined {
  return message === undefined ? undefined : { path: '', message }
}

function problemOfText(text: string): string | undefined {
  if (!UNSTORABLE.test(text)) return undefined
  return text.includes('\0')
    ? 'holds the character U+0000, which PostgreSQL cannot store'
    : 'holds half of a surrogate pair, which no database text can hold'
}
