import type { z } from 'zod'
import type { JsonObject } from '../../platform/json.ts'
import { audioDrift } from './drift.ts'
import { type AudioRecord, audioRecord } from './contract.ts'
import { compactAudioLists } from './compact-lists.ts'
import { dropEmpty } from '../drop-empty.ts'
import { findUnstorable, isStorable } from '../find-unstorable.ts'
import { appendToPointer } from '../../platform/json-pointer.ts'
import { unknownFields } from '../unknown-fields.ts'
import type { Classification, Extra, Issue, Validation } from '../validation.ts'

export type AudioClassification = Classification<AudioRecord>

/**
 * Holds one record of an answer against the audio contract.
 *
 * @param payload The record, straight from JSON.parse; it is never changed.
 * @returns The classification with what was unknown in it; or why it cannot be loaded: `unstorable` where
 *   PostgreSQL could not hold it as it is, else `invalid_payload` with every path that does not fit.
 */
export function validateAudio(payload: JsonObject): Validation<AudioRecord> {
  const unstorable = isStorable(payload) ? undefined : findUnstorable(payload)
  if (unstorable) return { accepted: false, reason: 'unstorable', issues: [unstorable] }
  const content = audioContent(payload)
  const parsed = audioRecord.safeParse(content)
  if (!parsed.success) {
    return { accepted: false, reason: 'invalid_payload', issues: parsed.error.issues.map(toIssue) }
  }
  const known = withOneClipList(parsed.data)
  const unknown = unknownFields(content, known)
  // The column holds a list of errors joined, so the list itself is kept beside it.
  const extra: Extra = Array.isArray(known.errors) ? { ...unknown, '/errors': known.errors } : unknown
  const drift = audioDrift(known, unknown)
  return { accepted: true, classification: { known, extra, content, drift } }
}

/** What a record says: without whatever says nothing. */
export function audioContent(payload: JsonObject): JsonObject {
  return compactAudioLists(dropEmpty(payload))
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
