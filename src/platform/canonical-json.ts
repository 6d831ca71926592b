import { configure } from 'safe-stable-stringify'
import { isJsonObject, type Json, type JsonObject, setOwn } from './json.ts'

/**
 * RFC 8785 JSON: the same text for the same value in any order of keys; an undefined element is null.
 *
 * JSON.stringify writes texts and numbers as RFC 8785 requires, and keys in the order that they have. So this orders the keys
 * only, because a library that writes every value in JavaScript takes more than twice as long.
 */
export function canonicalJson(value: Json | readonly (Json | undefined)[]): string {
  const sorted = withSortedKeys(value)
  return sorted === undefined ? stringify(value as Json) : JSON.stringify(sorted)
}

/** Slower, for objects with any keys. */
const stringify = configure({ strict: true })

/**
 * The value with the keys of all objects ordered by code unit; undefined where a key may be an array index. An object always
 * has array indexes first, in the order of the numbers.
 */
function withSortedKeys(value: Json | readonly (Json | undefined)[] | undefined): Json | undefined {
  if (Array.isArray(value)) {
    const copy: Json[] = []
    for (const element of value as readonly Json[]) {
      const sorted = withSortedKeys(element)
      if (sorted === undefined) return undefined
      copy.push(sorted)
    }
    return copy
  }
  if (!isJsonObject(value)) return (value as Json | undefined) ?? null
  const copy = {}
  for (const key of sortedKeys(value)) {
    const sorted = withSortedKeys(value[key])
    if (sorted === undefined || mayBeIndex(key)) return undefined
    setOwn(copy, key, sorted)
  }
  return copy
}

const FEW = 32

/** Sorts a few keys by insertion: a record has many such objects, and it takes half the time for them. */
function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object)
  if (keys.length > FEW) return keys.toSorted()
  for (let end = 1; end < keys.length; end++) {
    const key = keys[end] as string
    let at = end
    for (; at > 0 && (keys[at - 1] as string) > key; at--) keys[at] = keys[at - 1] as string
    keys[at] = key
  }
  return keys
}

function mayBeIndex(key: string): boolean {
  const first = key.charCodeAt(0)
  return first >= DIGIT_0 && first <= DIGIT_9
}

const DIGIT_0 = 0x30
const DIGIT_9 = 0x39
