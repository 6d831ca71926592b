import type { z } from 'zod'
import { appendToPointer, type JsonObject } from '../../platform/json.ts'
import { asReceived, free, object, set } from '../compact.ts'
import { dropEmpty } from '../drop-empty.ts'
import { examine, storable } from '../storable.ts'
import { unknownFields } from '../unknown-fields.ts'
import type { Classification, Extra, Issue, Unstorable, Validation } from '../validation.ts'
import { type AudioRecord, audioRecord, clip, details, modelResult, score, verdict } from './contract.ts'
import { audioDrift } from './drift.ts'

export type AudioClassification = Classification<AudioRecord>

/**
 * Compares one record of a response with the audio contract.
 *
 * @param payload The record, straight from JSON.parse; it is never changed.
 * @returns The classification with its unknown fields, or the reason to reject it. The reason is `unstorable` where
 *   PostgreSQL cannot store a value in any form, else `invalid_payload` with every path that does not fit.
 */
export function validateAudio(payload: JsonObject): Validation<AudioRecord> {
  const { issue, hasUnstorableText } = examine(payload)
  if (issue) return { accepted: false, reason: 'unstorable', issues: [issue] }
  const content = audioContent(payload)
  const unstorable: Unstorable = {}
  const record = hasUnstorableText ? storable(content, unstorable) : content
  if (Object.hasOwn(unstorable, '/identifier')) {
    return { accepted: false, reason: 'unstorable', issues: [UNSTORABLE_IDENTIFIER] }
  }
  const parsed = audioRecord.safeParse(withoutReplacedHash(record, unstorable))
  if (!parsed.success) {
    return { accepted: false, reason: 'invalid_payload', issues: parsed.error.issues.map(toIssue) }
  }
  const known = withOneClipList(parsed.data)
  const unknown = unknownFields(record, known)
  const extra = { ...withoutScores(unknown), ...unparsedLists(content, known) }
  const drift = audioDrift(known, unknown)
  return { accepted: true, classification: { known, extra, unstorable, content, drift } }
}

/** A record without the empty fields of the contract; unknown fields are as received. */
export function audioContent(payload: JsonObject): JsonObject {
  return (compactRecord(payload) ?? {}) as JsonObject
}

/** The content that counts: without the empty members of unknown fields and free content, too. */
export function withoutAnyEmpty(content: JsonObject): JsonObject {
  const rest = dropEmpty(content)
  return rest === content ? content : audioContent(rest)
}

const UNSTORABLE_IDENTIFIER: Issue = {
  path: '/identifier',
  message: 'has a character that PostgreSQL cannot store',
}

/** A hash with a character replaced could be that of another file, so the row has none. */
function withoutReplacedHash(record: JsonObject, unstorable: Unstorable): JsonObject {
  if (!Object.hasOwn(unstorable, '/hash')) return record
  const { hash: _, ...rest } = record
  return rest
}

/** Where both clip lists came, the documented one is the known one and the other is an unknown field. */
function withOneClipList(record: AudioRecord): AudioRecord {
  if (!record.details?.clips || !record.chunk_details) return record
  const { chunk_details: _, ...known } = record
  return known
}

/** The unknown fields of a score stay in its list, which a column holds as received. */
function withoutScores(unknown: Extra): Extra {
  return Object.fromEntries(Object.entries(unknown).filter(([pointer]) => !IN_A_SCORE.test(pointer)))
}

const IN_A_SCORE = /^(\/details\/clips\/\d+|\/chunk_details\/\d+|)\/results\/\d+\/classification\//

/** Lists that no rows hold, as received: errors, because the column has them joined, and a second list of clips. */
function unparsedLists(content: JsonObject, known: AudioRecord): Extra {
  const { errors, chunk_details } = content
  return {
    ...(Array.isArray(errors) && { '/errors': storable(asReceived(errors)) }),
    ...(Array.isArray(chunk_details) &&
      known.chunk_details === undefined && { '/chunk_details': storable(asReceived(chunk_details)) }),
  }
}

function toIssue(issue: z.core.$ZodIssue): Issue {
  const path = issue.path.reduce<string>((pointer, token) => appendToPointer(pointer, String(token)), '')
  return { path, message: issue.message }
}

/** An empty verdict, result, score, model or clip is dropped; any other list keeps its elements in their places. */
const compactVerdict = object(verdict, { models: set() })
const compactScores = set(object(score))
const compactResults = set(
  object(modelResult, { classification: compactScores, classification_details: free }),
)
const compactClips = set(object(clip, { results: compactResults, verdict: compactVerdict }))
const compactRecord = object(audioRecord, {
  errors: set(),
  verdict: compactVerdict,
  verdicts: set(compactVerdict),
  results: compactResults,
  details: object(details, { clips: compactClips }),
  chunk_details: compactClips,
})
