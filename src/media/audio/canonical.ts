import { canonicalJson } from '../../platform/canonical-json.ts'
import { isJsonObject, type Json, type JsonObject } from '../../platform/json.ts'

/**
 * The audio content in the form that is digested. It has no `result_url`, which is a link and not content, and one shape
 * for both lists of clips. Lists that are sets are in a fixed order, because the API does not promise one.
 *
 * @param content A record that fits the contract, without its empty members.
 */
export function audioCanonical(content: JsonObject): JsonObject {
  const { result_url: _, verdict, verdicts, results, details, chunk_details, ...plain } = content
  const documented = isJsonObject(details) ? details.clips : undefined
  const canonical: { [key: string]: Json } = { ...plain }
  if (verdict !== undefined) canonical.verdict = sortedVerdict(verdict)
  if (verdicts !== undefined) canonical.verdicts = sortSet(verdicts, sortedVerdict, ['heuristic'])
  if (results !== undefined) canonical.results = sortedResults(results)
  const clips = documented ?? chunk_details
  if (details !== undefined || clips !== undefined) {
    canonical.details = {
      ...(details as JsonObject),
      ...(clips !== undefined && { clips: sortedClips(clips) }),
    }
  }
  // A second clip list is an unknown field, but still a set.
  if (documented !== undefined && chunk_details !== undefined)
    canonical.chunk_details = sortedAsText(chunk_details)
  return canonical
}

function sortedClips(clips: Json): Json {
  return sortSet(clips, sortedClip, ['index', 'start', 'end'])
}

function sortedClip(clip: JsonObject): JsonObject {
  return {
    ...clip,
    ...(clip.results !== undefined && { results: sortedResults(clip.results) }),
    ...(clip.verdict !== undefined && { verdict: sortedVerdict(clip.verdict) }),
  }
}

function sortedResults(results: Json): Json {
  return sortSet(results, sortedResult, ['model'])
}

function sortedResult(result: JsonObject): JsonObject {
  if (result.classification === undefined) return result
  return { ...result, classification: sortSet(result.classification, (score) => score, ['label']) }
}

function sortedVerdict(verdict: Json): JsonObject {
  const object = verdict as JsonObject
  if (object.models === undefined) return object
  return { ...object, models: sorted(object.models as string[], compare) }
}

/** A list that no contract has checked, ordered by the canonical texts of its elements. */
function sortedAsText(list: Json): Json {
  if (!Array.isArray(list)) return list
  return list.toSorted((a: Json, b: Json) => compare(canonicalJson(a), canonicalJson(b)))
}

/** The list with each element canonical, ordered by the members named; ties by canonical text. */
function sortSet(list: Json, canonical: (element: JsonObject) => JsonObject, by: readonly string[]): Json {
  const elements = (list as readonly JsonObject[]).map(canonical)
  return sorted(elements, (a, b) => {
    for (const member of by) {
      const order = compare(a[member], b[member])
      if (order !== 0) return order
    }
    return compare(canonicalJson(a), canonicalJson(b))
  })
}

/**
 * Orders a list without a sort where possible, because a sort allocates more than the list itself. Nearly every list is in
 * order already, or is a pair such as the scores of a result.
 */
function sorted<T>(list: readonly T[], compareElements: (a: T, b: T) => number): readonly T[] {
  const inOrder = list.every((element, at) => at === 0 || compareElements(list[at - 1] as T, element) <= 0)
  if (inOrder) return list
  return list.length === 2 ? list.toReversed() : list.toSorted(compareElements)
}

/** Absent first; numbers by value, texts by code unit, as RFC 8785 orders keys. */
function compare(a: Json | undefined, b: Json | undefined): number {
  if (a === b) return 0
  if (a === undefined || a === null) return -1
  if (b === undefined || b === null) return 1
  return a < b ? -1 : 1
}
