/** Any value that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject

/** A JSON object. Its keys come from outside: check for one with `Object.hasOwn`, never with `in`. */
export interface JsonObject {
  readonly [key: string]: Json
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns true for an object with members; builds no list of them, because records have many objects. */
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

/** Maps a member or an element; undefined drops it. */
export type Rewrite = (value: Json) => Json | undefined

/** The object with each member rewritten; the same object where nothing changes, as in most records. */
export function rewriteMembers(
  object: JsonObject,
  rewrite: (value: Json, key: string) => Json | undefined,
): JsonObject {
  let copy: object | undefined
  for (const key in object) {
    const value = object[key] as Json
    const rewritten = rewrite(value, key)
    if (rewritten !== value) copy ??= membersBefore(object, key)
    if (copy && rewritten !== undefined) setOwn(copy, key, rewritten)
  }
  return (copy as JsonObject | undefined) ?? object
}

/** The list with each element rewritten; the same list where nothing changes. */
export function rewriteElements(list: readonly Json[], rewrite: Rewrite): readonly Json[] {
  let copy: Json[] | undefined
  for (let position = 0; position < list.length; position++) {
    const element = list[position] as Json
    const rewritten = rewrite(element)
    if (rewritten !== element) copy ??= list.slice(0, position)
    if (copy && rewritten !== undefined) copy.push(rewritten)
  }
  return copy ?? list
}

function membersBefore(object: JsonObject, end: string): object {
  const copy = {}
  for (const key in object) {
    if (key === end) break
    setOwn(copy, key, object[key] as Json)
  }
  return copy
}

/** Appends one reference token to a JSON Pointer (RFC 6901). */
export function appendToPointer(pointer: string, token: string | number): string {
  return `${pointer}/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`
}

/** The reference tokens of a JSON Pointer, unescaped; none for the whole document. */
export function pointerTokens(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}
