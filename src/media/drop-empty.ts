import {
  hasMembers,
  isJsonObject,
  type Json,
  type JsonObject,
  rewriteElements,
  rewriteMembers,
} from '../platform/json.ts'

/**
 * Drops the members that are null, `[]` or `{}`, bottom-up, because this API means the same by these as by an absent
 * member. An element of a list keeps its place (an empty one becomes null), because the positions of an unknown list may
 * have a meaning. Copies nothing where there is nothing to drop.
 */
export function dropEmpty(record: JsonObject): JsonObject {
  return rewriteMembers(record, withoutEmpty)
}

function withoutEmpty(value: Json): Json | undefined {
  if (Array.isArray(value)) {
    const rest = rewriteElements(value, (element) => withoutEmpty(element) ?? null)
    return rest.length === 0 ? undefined : rest
  }
  if (isJsonObject(value)) {
    const rest = rewriteMembers(value, withoutEmpty)
    return hasMembers(rest) ? rest : undefined
  }
  return value ?? undefined
}

/** Returns true for a member that `dropEmpty` drops. */
export function isEmpty(value: Json): boolean {
  if (value === null) return true
  if (Array.isArray(value)) return value.length === 0
  if (!isJsonObject(value)) return false
  for (const key in value) if (!isEmpty(value[key] as Json)) return false
  return true
}
