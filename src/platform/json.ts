/** Any value that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

/** A JSON object. Keys come from outside: look them up with `Object.hasOwn`, never with `in`. */
export interface JsonObject {
  readonly [key: string]: Json
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether an object has any member; without a list of them all. */
export function hasMembers(object: JsonObject): boolean {
  for (const _ in object) return true
  return false
}

/** Sets an own property even when the key is `__proto__`, which plain assignment would not. */
export function setOwn(target: object, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    ;(target as Record<string, Json>)[key] = value
  }
}
