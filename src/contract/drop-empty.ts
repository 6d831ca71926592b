import { isJsonObject, type Json, type JsonObject, setOwn } from '../json.ts'

/**
 * The record without members that say nothing: absent, null, `[]` and `{}` mean the same to this API, so they
 * are dropped, bottom-up. An element of a list keeps its place (an empty one becomes null), because a list we
 * know nothing about may mean something by position. Nothing is copied where there is nothing to drop.
 */
export function dropEmpty(record: JsonObject): JsonObject {
  return withoutEmptyMembers(record)
}

function simplify(value: Json): Json {
  if (Array.isArray(value)) return simplifyElements(value)
  if (isJsonObject(value)) return withoutEmptyMembers(value)
  return value
}

function simplifyElements(list: readonly Json[]): readonly Json[] {
  let changed = false
  const simplified = list.map((element) => {
    const simple = simplify(element)
    const kept = isEmpty(simple) ? null : simple
    changed ||= kept !== element
    return kept
  })
  return changed ? simplified : list
}

function withoutEmptyMembers(object: JsonObject): JsonObject {
  let changed = false
  const kept = {}
  for (const key of Object.keys(object)) {
    const value = object[key] as Json
    const simple = simplify(value)
    if (isEmpty(simple)) {
      changed = true
      continue
    }
    changed ||= simple !== value
    setOwn(kept, key, simple)
  }
  return changed ? kept : object
}

function isEmpty(value: Json): boolean {
  if (value === null) return true
  if (Array.isArray(value)) return value.length === 0
  return isJsonObject(value) && Object.keys(value).length === 0
}
