import { appendToPointer, isJsonObject, type Json, setOwn } from '../platform/json.ts'
import type { Extra } from './validation.ts'

/**
 * Finds the fields of `original` that are not in a schema. `parsed` is the same record after unknown keys were stripped.
 * A value that the schema accepts as it is counts as known in all its parts.
 */
export function unknownFields(original: Json, parsed: unknown): Extra {
  const extra = {}
  collect(original, parsed, [], extra)
  return extra
}

/** @param path From the record to here; a pointer is built from it only for an unknown field. */
function collect(original: Json, parsed: unknown, path: (string | number)[], extra: object): void {
  if (original === parsed) return
  if (Array.isArray(original)) {
    const known = parsed as readonly unknown[]
    for (let position = 0; position < original.length; position++) {
      path.push(position)
      collect(original[position] as Json, known[position], path, extra)
      path.pop()
    }
  } else if (isJsonObject(original)) {
    const known = parsed as Readonly<Record<string, unknown>>
    for (const key in original) {
      const value = original[key] as Json
      if (value === known[key]) continue
      path.push(key)
      if (Object.hasOwn(known, key)) collect(value, known[key], path, extra)
      else setOwn(extra, path.reduce<string>(appendToPointer, ''), value)
      path.pop()
    }
  }
}
