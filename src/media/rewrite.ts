import { type Json, type JsonObject, setOwn } from '../platform/json.ts'

/** What becomes of a member or an element; undefined drops it. */
export type Rewrite = (value: Json) => Json | undefined

/** The object with each member rewritten; itself where nothing changes, as in most records. */
export function rewriteMembers(
  object: JsonObject,
  rewrite: (value: Json, key: string) => Json | undefined,
): JsonObject {
  let copy: object | undefined
  for (const key in object) {
    const value = object[key] as Json
    const kept = rewrite(value, key)
    if (kept !== value) copy ??= membersBefore(object, key)
    if (copy && kept !== undefined) setOwn(copy, key, kept)
  }
  return (copy as JsonObject | undefined) ?? object
}

/** The list with each element rewritten; itself where nothing changes. */
export function rewriteElements(list: readonly Json[], rewrite: Rewrite): readonly Json[] {
  let copy: Json[] | undefined
  for (let position = 0; position < list.length; position++) {
    const element = list[position] as Json
    const kept = rewrite(element)
    if (kept !== element) copy ??= list.slice(0, position)
    if (copy && kept !== undefined) copy.push(kept)
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
