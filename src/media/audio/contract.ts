import { z } from 'zod'
import { isJsonObject, type JsonObject } from '../../platform/json.ts'

/** Bound of a text that an index holds, because PostgreSQL refuses much larger index entries. */
const MAX_INDEXED_BYTES = 1024

/** A UTF-16 code unit has at most three bytes in UTF-8, so the bytes of a short text need not be counted. */
const indexedText = z
  .string()
  .refine((text) => text.length * 3 <= MAX_INDEXED_BYTES || Buffer.byteLength(text) <= MAX_INDEXED_BYTES, {
    error: `is longer than ${MAX_INDEXED_BYTES} bytes`,
  })

export const verdict = z.object({
  heuristic: indexedText.optional(),
  confidence: z.number().optional(),
  classification: indexedText.optional(),
  models: z.array(indexedText).optional(),
})

export const score = z.object({
  label: indexedText.optional(),
  score: z.number().optional(),
})

export const modelResult = z.object({
  model: indexedText.optional(),
  unknown: z.boolean().optional(),
  elapsed_time: z.number().optional(),
  classification: z.array(score).optional(),
  // Free content, kept as it is.
  classification_details: z.custom<JsonObject>(isJsonObject, { error: 'is not an object' }).optional(),
})

export const clip = z.object({
  index: z.number().optional(),
  start: z.number().optional(),
  end: z.number().optional(),
  results: z.array(modelResult).optional(),
  verdict: verdict.optional(),
})

export const details = z.object({ clips: z.array(clip).optional() })

/**
 * One audio classification, as the API documents it for the GET of many, without empty members: a field is either absent
 * or has content. Statuses, labels, heuristics and models are free strings.
 */
export const audioRecord = z.object({
  identifier: indexedText,
  hash: indexedText.optional(),
  api_version: z.string().optional(),
  status: indexedText.optional(),
  errors: z.union([z.string(), z.array(z.string())]).optional(),
  name: z.string().optional(),
  ref_id: indexedText.optional(),
  result_url: z.string().optional(),
  verdict: verdict.optional(),
  verdicts: z.array(verdict).optional(),
  force_classification: indexedText.optional(),
  results: z.array(modelResult).optional(),
  details: details.optional(),
  // One capture of the page on a single result has it instead of details.clips.
  chunk_details: z.array(clip).optional(),
})

export type AudioRecord = z.output<typeof audioRecord>
export type AudioVerdict = z.output<typeof verdict>
export type AudioModelResult = z.output<typeof modelResult>
export type AudioClip = z.output<typeof clip>
