import { configure } from 'safe-stable-stringify'
import type { Json } from './json.ts'

/** Orders keys by code unit and writes numbers and texts as ECMAScript does, as RFC 8785 requires. */
const stringify = configure({ strict: true })

/** RFC 8785 JSON: the same text for the same value in any order of keys; an undefined element is null. */
export function canonicalJson(value: Json | readonly (Json | undefined)[]): string {
  const text = stringify(value)
  if (text === undefined) throw new TypeError('only JSON values have a canonical text')
  return text
}
