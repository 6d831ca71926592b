import { hasMembers, isJsonObject, type JsonObject } from '../../platform/json.ts'
import { type Rewrite, rewriteElements, rewriteMembers } from '../rewrite.ts'

/**
 * Drops the empty elements (null, once `dropEmpty` has run) of the lists that are really sets: an empty verdict,
 * result, score, model or clip says nothing. Any other list keeps its elements in their places.
 */
export function compactAudioLists(record: JsonObject): JsonObject {
  return compactRecord(record) as JsonObject
}

const compactVerdict = object({ models: list() })
const compactResults = list(object({ classification: list() }))
const compactClips = list(object({ results: compactResults, verdict: compactVerdict }))
const compactRecord = object({
  errors: list(),
  verdict: compactVerdict,
  verdicts: list(compactVerdict),
  results: compactResults,
  details: object({ clips: compactClips }),
  chunk_details: compactClips,
})

/** What is not a list here breaks the contract; the schema will say so. */
function list(element: Rewrite = (value) => value): Rewrite {
  return (value) => {
    if (!Array.isArray(value)) return value
    const said = rewriteElements(value, (item) => (item === null ? undefined : element(item)))
    return said.length === 0 ? undefined : said
  }
}

function object(members: Readonly<Record<string, Rewrite>>): Rewrite {
  const rewrites = new Map(Object.entries(members))
  return (value) => {
    if (!isJsonObject(value)) return value
    const said = rewriteMembers(value, (member, key) => {
      const rewrite = rewrites.get(key)
      return rewrite ? rewrite(member) : member
    })
    return hasMembers(said) ? said : undefined
  }
}
