import { hasMembers, isJsonObject, type Json, type JsonObject } from '../platform/json.ts'
import { rewriteElements, rewriteMembers } from './rewrite.ts'

/**
 * The record without members that say nothing: absent, null, `[]` and `{}` mean the same to this API, so they
 * are dropped, bottom-up. An element of a list keeps its place (an empty one becomes null), because a list we
 * know nothing about may mean something by position. Nothing is copied where there is nothing to drop.
 */
export function dropEmpty(record: JsonObject): JsonObject {
  return rewriteMembers(record, saying)
}

/** What a value says; undefined where that is nothing. */
function saying(value: Json): Json | undefined {
  if (Array.isArray(value)) {
    const said = rewriteElements(value, (element) => saying(element) ?? null)
    return said.length === 0 ? undefined : said
  }
  if (isJsonObject(value)) {
    const said = rewriteMembers(value, saying)
    return hasMembers(said) ? said : undefined
  }
  return value ?? undefined
}
