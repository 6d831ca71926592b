import { isJsonObject, type Json, type JsonObject, setOwn } from '../json.ts'

/** Rewrites one member; undefined drops it. */
type Rewrite = (value: Json) => Json | undefined

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
    const kept = value.filter((item) => item !== null).map(element)
    const said = kept.filter((item) => item !== undefined)
    return said.length === 0 ? undefined : said
  }
}

function object(members: Readonly<Record<string, Rewrite>>): Rewrite {
  return (value) => {
    if (!isJsonObject(value)) return value
    const rewritten = {}
    for (const key of Object.keys(value)) {
      const rewrite = Object.hasOwn(members, key) ? members[key] : undefined
      const member = value[key] as Json
      const kept = rewrite ? rewrite(member) : member
      if (kept !== undefined) setOwn(rewritten, key, kept)
    }
    return Object.keys(rewritten).length === 0 ? undefined : rewritten
  }
}
