import type { z } from 'zod'
import {
  appendToPointer,
  hasMembers,
  isJsonObject,
  type JsonObject,
  type Rewrite,
  rewriteElements,
  rewriteMembers,
} from '../../platform/json.ts'
import { dropEmpty } from '../drop-empty.ts'
import { findUnstorable } from '../find-unstorable.ts'
import { unknownFields } from '../unknown-fields.ts'
import type { Classification, Extra, Issue, Validation } from '../validation.ts'
import { type AudioRecord, audioRecord } from './contract.ts'
import { audioDrift } from './drift.ts'

export type AudioClassification = Classification<AudioRecord>

/**
 * Compares one record of a response with the audio contract.
 *
 * @param payload The record, straight from JSON.parse; it is never changed.
 * @returns The classification with its unknown fields, or the reason to reject it. The reason is `unstorable` where
 *   PostgreSQL cannot store a value, else `invalid_payload` with every path that does not fit.
 */
export function validateAudio(payload: JsonObject): Validation<AudioRecord> {
  const unstorable = findUnstorable(payload)
  if (unstorable) return { accepted: false, reason: 'unstorable', issues: [unstorable] }
  const content = audioContent(payload)
  const parsed = audioRecord.safeParse(content)
  if (!parsed.success) {
    return { accepted: false, reason: 'invalid_payload', issues: parsed.error.issues.map(toIssue) }
  }
  const known = withOneClipList(parsed.data)
  const unknown = unknownFields(content, known)
  // The column holds a list of errors joined, so `extra` keeps the list itself.
  const extra: Extra = Array.isArray(known.errors) ? { ...unknown, '/errors': known.errors } : unknown
  const drift = audioDrift(known, unknown)
  return { accepted: true, classification: { known, extra, content, drift } }
}

/** The content of a record: without its empty members, and without the empty elements of lists that are sets. */
export function audioContent(payload: JsonObject): JsonObject {
  return compactRecord(dropEmpty(payload)) as JsonObject
}

/** Where both clip lists came, the documented one is the known one and the other is an unknown field. */
function withOneClipList(record: AudioRecord): AudioRecord {
  if (!record.details?.clips || !record.chunk_details) return record
  const { chunk_details: _, ...known } = record
  return known
}

function toIssue(issue: z.core.$ZodIssue): Issue {
  const path = issue.path.reduce<string>((pointer, token) => appendToPointer(pointer, String(token)), '')
  return { path, message: issue.message }
}

/** An empty verdict, result, score, model or clip is dropped; any other list keeps its elements in their places. */
const compactVerdict = object({ models: set() })
const compactResults = set(object({ classification: set() }))
const compactClips = set(object({ results: compactResults, verdict: compactVerdict }))
const compactRecord = object({
  errors: set(),
  verdict: compactVerdict,
  verdicts: set(compactVerdict),
  results: compactResults,
  details: object({ clips: compactClips }),
  chunk_details: compactClips,
})

/** A value that is not a list here breaks the contract, and the schema reports it. */
function set(element: Rewrite = (value) => value): Rewrite {
  return (value) => {
    if (!Array.isArray(value)) return value
    const rest = rewriteElements(value, (item) => (item === null ? undefined : element(item)))
    return rest.length === 0 ? undefined : rest
  }
}

function object(members: Readonly<Record<string, Rewrite>>): Rewrite {
  const rewrites = new Map(Object.entries(members))
  return (value) => {
    if (!isJsonObject(value)) return value
    const rest = rewriteMembers(value, (member, key) => {
      const rewrite = rewrites.get(key)
      return rewrite ? rewrite(member) : member
    })
    return hasMembers(rest) ? rest : undefined
  }
}
