import canonicalize from 'canonicalize'
import type { Json } from './json.ts'

/** RFC 8785 JSON: one text for one value, whatever the order of its keys; an undefined element is null. */
export function canonicalJson(value: Json | readonly (Json | undefined)[]): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('only JSON values have a canonical text')
  return text
}
