import { isJsonObject, type Json, type JsonObject, pointerTokens, setOwn } from '../../platform/json.ts'
import type { ContentRows } from '../endpoint.ts'
import { free } from '../compact.ts'
import { unstorableFields } from '../storable.ts'
import type { Unstorable } from '../validation.ts'
import type { AudioRows, ModelResultRow, VerdictKind } from './tables.ts'

/**
 * Rebuilds the payload from its rows, apart from members that are null, `[]` or `{}`: the inverse of `audioRows`. It exists
 * to prove that normalizing loses nothing.
 *
 * @param content The rows of one classification, each list in the order of its ordinals.
 */
export function audioPayload(content: ContentRows): JsonObject {
  const { classification } = content
  const rows = content.children as AudioRows
  const payload = present({
    identifier: classification.identifier,
    hash: classification.file_hash,
    api_version: classification.api_version,
    status: classification.status,
    errors: classification.errors,
    name: classification.name,
    ref_id: classification.ref_id,
    result_url: classification.result_url,
    force_classification: classification.force_classification,
    verdict: verdictsOf(rows, 'main')[0] ?? null,
    verdicts: verdictsOf(rows, 'heuristic'),
    results: resultsOf(rows, null),
    ...clipsMember(rows, classification.clips_path),
  })
  const extra = Object.entries(parseJsonb(classification.extra) ?? {})
  const unstorable = unstorableFields((parseJsonb(classification.unstorable) ?? {}) as Unstorable)
  for (const [pointer, value] of [...extra, ...unstorable]) setAt(payload, pointerTokens(pointer), value)
  return payload
}

function clipsMember(rows: AudioRows, clipsPath: string | null): JsonObject {
  const clips = rows.clips.map((clip) =>
    present({
      index: clip.clip_index,
      start: clip.clip_start,
      end: clip.clip_end,
      results: resultsOf(rows, clip.clip_no),
      verdict: verdictOf(clip),
    }),
  )
  if (clips.length === 0) return {}
  return clipsPath === '/chunk_details' ? { chunk_details: clips } : { details: { clips } }
}

function verdictsOf(rows: AudioRows, kind: VerdictKind): JsonObject[] {
  return rows.verdicts.filter((verdict) => verdict.kind === kind).map(verdictOf)
}

function verdictOf({
  heuristic,
  confidence,
  classification,
  models,
}: AudioRows['clips' | 'verdicts'][number]): JsonObject {
  // A copy, because fields are set in it.
  return present({ heuristic, confidence, classification, models: models && [...models] })
}

function resultsOf(rows: AudioRows, clipNo: number | null): JsonObject[] {
  return rows.model_results
    .filter((result) => result.clip_no === clipNo)
    .map((result) =>
      present({
        model: result.model,
        unknown: result.unknown,
        elapsed_time: result.elapsed_time,
        classification: scoresOf(result),
        classification_details: parseJsonb(result.classification_details),
      }),
    )
}

function scoresOf({ human_score, artificial_score, other_scores }: ModelResultRow): readonly Json[] {
  if (other_scores !== null) return JSON.parse(other_scores) as Json[]
  return [
    { label: 'human', score: human_score },
    { label: 'artificial', score: artificial_score },
  ].filter(({ score }) => score !== null)
}

/** A new object without the empty members. */
function present(members: JsonObject): { [key: string]: Json } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => free(value) !== undefined))
}

function parseJsonb(text: string | null): JsonObject | null {
  return text === null ? null : (JSON.parse(text) as JsonObject)
}

/** Sets the value at a pointer. Creates the objects on its way; lists on its way exist already. */
function setAt(target: JsonObject, tokens: readonly string[], value: Json): void {
  const [key, ...rest] = tokens as [string, ...string[]]
  if (rest.length === 0) {
    setOwn(target, key, value)
    return
  }
  const next = Object.hasOwn(target, key) ? target[key] : undefined
  if (isJsonObject(next) || Array.isArray(next)) {
    setAt(next as JsonObject, rest, value)
    return
  }
  const made = {}
  setOwn(target, key, made)
  setAt(made, rest, value)
}
