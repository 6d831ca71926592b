import type { JsonObject } from '../json.ts'

/**
 * The record as JSON text that any database can hold and that parses back to the same record: JSON.stringify
 * escapes U+0000 and lone surrogates; a number beyond double precision, which it would turn into null, is written
 * as one that is beyond it again.
 */
export function evidenceText(record: JsonObject): string {
  return JSON.stringify(record, (_, value) => {
    if (value === Number.POSITIVE_INFINITY) return rawNumber('1e999')
    if (value === Number.NEGATIVE_INFINITY) return rawNumber('-1e999')
    return value
  })
}

/** Text about a record, with what PostgreSQL cannot store made visible as JSON would escape it. */
export function storable(text: string): string {
  return text
    .replaceAll('\0', '\\u0000')
    .replace(/\p{Surrogate}/gu, (half) => JSON.stringify(half).slice(1, -1))
}

/** A literal that JSON.stringify writes as it is. */
function rawNumber(text: string): unknown {
  // ECMAScript 2026; our TypeScript library does not know it yet.
  return (JSON as unknown as { rawJSON(literal: string): unknown }).rawJSON(text)
}
