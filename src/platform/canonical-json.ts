import { configure } from 'safe-stable-stringify'
import type { Json } from './json.ts'

/** Keys by code unit, as RFC 8785 orders them; numbers and texts as ECMAScript writes them, which it asks for. */
const stringify = configure({ strict: true })

/** RFC 8785 JSON: one text for one value, whatever the order of its keys; an undefined element is null. */
export function canonicalJson(value: Json | readonly (Json | undefined)[]): string {
  const text = stringify(value)
  if (text === undefined) throw new TypeError('only JSON values have a canonical text')
  return text
}
