import type { z } from 'zod'
import { isJsonObject, type Json, type Rewrite, rewriteElements, rewriteMembers } from '../platform/json.ts'
import { isEmpty } from './drop-empty.ts'

/*
 * Parts of a rewrite that drops the empty fields of a contract, so that a schema reads each field as present or absent.
 * Fields that are not in the contract keep their values as received. Copies nothing where there is nothing to drop.
 */

/** Lists that lost empty elements or members, each with the list as received. */
const RECEIVED = new WeakMap<object, readonly Json[]>()

/** The list before it was compacted. */
export function asReceived(list: readonly Json[]): readonly Json[] {
  return RECEIVED.get(list) ?? list
}

/** An object of the contract; each of its fields is rewritten as `members` says, else dropped where it is empty. */
export function object({ shape }: z.ZodObject, members: Readonly<Record<string, Rewrite>> = {}): Rewrite {
  const known = new Map(Object.keys(shape).map((key) => [key, members[key] ?? unlessEmpty]))
  return (value) => {
    if (!isJsonObject(value)) return unlessEmpty(value)
    const rest = rewriteMembers(value, (member, key) => {
      const rewrite = known.get(key)
      return rewrite ? rewrite(member) : member
    })
    return unlessEmpty(rest)
  }
}

/** A list of the contract that is a set: it loses its empty elements. */
export function set(element: Rewrite = unlessEmpty): Rewrite {
  return (value) => {
    if (!Array.isArray(value)) return unlessEmpty(value)
    const rest = rewriteElements(value, element)
    if (rest !== value) RECEIVED.set(rest, value)
    return rest.length === 0 ? undefined : rest
  }
}

/** Free content: null, `[]` and `{}` themselves mean absent, and anything else is kept as received. */
export function free(value: Json): Json | undefined {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0) ? undefined : value
}

/** A value of another type than the contract's is kept, and the schema reports it. */
function unlessEmpty(value: Json): Json | undefined {
  return isEmpty(value) ? undefined : value
}
