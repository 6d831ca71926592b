import canonicalize from 'canonicalize'
import type { Json } from './json.ts'

/** RFC 8785 JSON: one text for one value, whatever the order of its keys. */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value)
  if (text === undefined) throw new TypeError('only JSON values have a canonical text')
  return text
}
