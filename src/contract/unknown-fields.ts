import { isJsonObject, type Json, setOwn } from '../json.ts'
import { appendToPointer } from './json-pointer.ts'
import type { Extra } from './validation.ts'

/**
 * What a schema left behind: every field of `original` that `parsed` (the same record after unknown keys were
 * stripped) does not have. Where the schema handed a value through untouched, all of it is known.
 */
export function unknownFields(original: Json, parsed: unknown): Extra {
  const extra = {}
  collect(original, parsed, '', extra)
  return extra
}

function collect(original: Json, parsed: unknown, path: string, extra: object): void {
  if (original === parsed) return
  if (Array.isArray(original)) {
    const known = parsed as readonly unknown[]
    original.forEach((element, position) => {
      collect(element, known[position], appendToPointer(path, position), extra)
    })
  } else if (isJsonObject(original)) {
    const known = parsed as Readonly<Record<string, unknown>>
    for (const key of Object.keys(original)) {
      const at = appendToPointer(path, key)
      const value = original[key] as Json
      if (Object.hasOwn(known, key)) collect(value, known[key], at, extra)
      else setOwn(extra, at, value)
    }
  }
}
