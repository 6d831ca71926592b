import { isJsonObject, type Json, setOwn } from '../platform/json.ts'
import { appendToPointer } from '../platform/json-pointer.ts'
import type { Extra } from './validation.ts'

/**
 * What a schema left behind: every field of `original` that `parsed` (the same record after unknown keys were
 * stripped) does not have. Where the schema handed a value through untouched, all of it is known.
 */
export function unknownFields(original: Json, parsed: unknown): Extra {
  const extra = {}
  collect(original, parsed, [], extra)
  return extra
}

/** @param way From the record to here; a pointer is made of it only where something is unknown. */
function collect(original: Json, parsed: unknown, way: (string | number)[], extra: object): void {
  if (original === parsed) return
  if (Array.isArray(original)) {
    const known = parsed as readonly unknown[]
    for (let position = 0; position < original.length; position++) {
      way.push(position)
      collect(original[position] as Json, known[position], way, extra)
      way.pop()
    }
  } else if (isJsonObject(original)) {
    const known = parsed as Readonly<Record<string, unknown>>
    for (const key in original) {
      const value = original[key] as Json
      way.push(key)
      if (Object.hasOwn(known, key)) collect(value, known[key], way, extra)
      else setOwn(extra, way.reduce<string>(appendToPointer, ''), value)
      way.pop()
    }
  }
}
