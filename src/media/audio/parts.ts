import { isJsonObject, type Json } from '../../platform/json.ts'
import type { ContentCause } from '../../platform/postgres/tables/history.ts'
import type { Part } from '../endpoint.ts'

const VERDICT = ['heuristic', 'classification', 'confidence', 'models']
const RESULT = ['model', 'unknown', 'elapsed_time', 'classification', 'classification_details']
const RECORD =
  'identifier hash api_version status errors name ref_id force_classification verdict verdicts results details'.split(
    ' ',
  )

/** The part of the canonical audio content that each cause is about; together they cover all of it but the force. */
export const AUDIO_PARTS: Readonly<Record<ContentCause, Part>> = {
  status_changed: (content) => content.status,
  heuristic_switched: (content) => pick(content.verdict, ['heuristic']),
  verdict_changed: (content) => [
    pick(content.verdict, ['classification', 'confidence']),
    each(content.verdicts, (verdict) => pick(verdict, ['heuristic', 'classification', 'confidence'])),
  ],
  models_changed: (content) => [
    pick(content.verdict, ['models']),
    each(content.verdicts, (verdict) => pick(verdict, ['models'])),
    each(content.results, (result) => pick(result, ['model'])),
  ],
  scores_changed: (content) =>
    each(content.results, (result) => [
      pick(result, ['unknown', 'elapsed_time']),
      each(pick(result, RESULT).classification, (score) => pick(score, ['label', 'score'])),
    ]),
  api_version_changed: (content) => content.api_version,
  details_changed: (content) => [
    pick(content.details, ['clips']),
    each(content.results, (result) => pick(result, ['classification_details'])),
  ],
  hash_changed: (content) => content.hash,
  errors_changed: (content) => content.errors,
  metadata_changed: (content) => pick(content, ['name', 'ref_id']),
  extra_changed: (content) => [
    omit(content, RECORD),
    omit(content.verdict, VERDICT),
    each(content.verdicts, (verdict) => omit(verdict, VERDICT)),
    each(content.results, (result) => [
      omit(result, RESULT),
      each(pick(result, RESULT).classification, (score) => omit(score, ['label', 'score'])),
    ]),
    omit(content.details, ['clips']),
  ],
}

function each(list: Json | undefined, of: (element: Json) => Json): Json[] {
  return Array.isArray(list) ? list.map(of) : []
}

function pick(value: Json | undefined, keys: readonly string[]): { [key: string]: Json } {
  return members(value, (key) => keys.includes(key))
}

function omit(value: Json | undefined, keys: readonly string[]): { [key: string]: Json } {
  return members(value, (key) => !keys.includes(key))
}

function members(value: Json | undefined, isKept: (key: string) => boolean): { [key: string]: Json } {
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => isKept(key))) : {}
}
