import { canonicalJson } from '../platform/canonical-json.ts'
import type { EffectiveStatus } from '../platform/postgres/tables/classification-revisions.ts'
import { isJsonObject, type Json, type JsonObject } from '../platform/json.ts'

/** One content of a classification, as far as comparing it needs. */
export interface ComparedContent {
  readonly status: EffectiveStatus
  readonly force_classification: string | null
  /** Null when it is no longer known: the kept record behind it is gone. */
  readonly canonical: JsonObject | null
}

/** What history holds of a classification before the answer that is compared with it. */
export interface ContentBefore {
  /** The latest content. */
  readonly latest: ComparedContent
  /** The latest finished (done or errored) content; null while nothing has finished. */
  readonly finished: ComparedContent | null
  /** Whether the API had stopped returning it. */
  readonly disappeared: boolean
}

/**
 * Why an answer whose content differs from the latest one is a new revision; never empty.
 *
 * Force and analysis are compared between finished answers only: while an analysis runs (again), its partial
 * record says nothing about them. A force in the first finished answer is `already_forced`: nobody saw it happen.
 */
export function causesOfChange(before: ContentBefore | null, next: ComparedContent): string[] {
  const finished = isFinished(next)
  const alreadyForced = finished && next.force_classification !== null ? ['already_forced'] : []
  if (before === null) return ['first_seen', ...alreadyForced]

  const causes = []
  if (before.disappeared) causes.push('reappeared')
  if (next.status !== before.latest.status) causes.push('status_changed')
  if (finished && before.finished === null) return [...causes, ...alreadyForced]
  if (finished && before.finished !== null) {
    causes.push(...forceCauses(before.finished.force_classification, next.force_classification))
    causes.push(...contentCauses(before.finished.canonical, next.canonical))
  } else if (!isFinished(before.latest)) {
    if (next.force_classification !== before.latest.force_classification) causes.push('metadata_changed')
    causes.push(...contentCauses(before.latest.canonical, next.canonical))
  }
  return [...new Set(causes)]
}

/** Whether a status ends an analysis. */
export function isFinished({ status }: { readonly status: EffectiveStatus }): boolean {
  return status !== 'new'
}

function forceCauses(before: string | null, next: string | null): string[] {
  if (before === next) return []
  if (before === null) return ['forced']
  return [next === null ? 'unforced' : 'force_changed']
}

function contentCauses(before: JsonObject | null, next: JsonObject | null): string[] {
  // Something differs, or there would be no revision; what, nobody can tell any more.
  if (before === null || next === null) return ['details_changed']
  return Object.entries(PARTS)
    .filter(([, part]) => canonicalJson([part(before)]) !== canonicalJson([part(next)]))
    .map(([cause]) => cause)
}

type Part = (content: JsonObject) => Json | undefined

const VERDICT = ['heuristic', 'classification', 'confidence', 'models']
const RESULT = ['model', 'unknown', 'elapsed_time', 'classification', 'classification_details']
const RECORD =
  'identifier hash api_version status errors name ref_id force_classification verdict verdicts results details'.split(
    ' ',
  )

/** Which part of the content each cause is about; together they cover all of it but force. */
const PARTS: Readonly<Record<string, Part>> = {
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

function members(value: Json | undefined, wanted: (key: string) => boolean): { [key: string]: Json } {
  return isJsonObject(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => wanted(key))) : {}
}
