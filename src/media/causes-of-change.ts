import { canonicalJson } from '../platform/canonical-json.ts'
import type { AnalysisStatus, ContentCause, RevisionCause } from '../platform/postgres/tables/history.ts'
import type { JsonObject } from '../platform/json.ts'
import type { Endpoint } from './endpoint.ts'

/** One content of a classification, with the facts that a comparison needs. */
export interface ComparedContent {
  readonly status: AnalysisStatus
  readonly force_classification: string | null
  /** Null when the payload behind it was pruned. */
  readonly canonical: JsonObject | null
}

/** The contents in history before the record that is compared with them. */
export interface ContentBefore {
  /** The latest content. */
  readonly latest: ComparedContent
  /** The latest finished (done or errored) content; null while none has finished. */
  readonly finished: ComparedContent | null
  /** The API had stopped returning the identifier. */
  readonly disappeared: boolean
}

type Facts = Pick<ComparedContent, 'status' | 'force_classification'>

/** Returns why the first record of an identifier is a revision. */
export function causesOfFirst(record: Facts): RevisionCause[] {
  return ['first_seen', ...alreadyForced(record)]
}

/**
 * Returns why a record whose content differs from the latest one is a new revision; never empty.
 *
 * Force and content are compared between finished records only, because the partial record of a running analysis says
 * nothing about them.
 */
export function causesOfChange(
  before: ContentBefore,
  next: ComparedContent,
  parts: Endpoint['parts'],
): RevisionCause[] {
  const causes: RevisionCause[] = []
  if (before.disappeared) causes.push('reappeared')
  if (next.status !== before.latest.status) causes.push('status_changed')
  if (isFinished(next)) {
    if (before.finished === null) return [...causes, ...alreadyForced(next)]
    causes.push(...forceCauses(before.finished.force_classification, next.force_classification))
    causes.push(...contentCauses(before.finished.canonical, next.canonical, parts))
  } else if (!isFinished(before.latest)) {
    if (next.force_classification !== before.latest.force_classification) causes.push('metadata_changed')
    causes.push(...contentCauses(before.latest.canonical, next.canonical, parts))
  }
  return causes.length === 0 ? ['details_changed'] : [...new Set(causes)]
}

/** Returns true for a status that ends an analysis. */
export function isFinished({ status }: { readonly status: AnalysisStatus }): boolean {
  return status !== 'new'
}

/** A force in the first finished record is `already_forced`: the change itself was not observed. */
function alreadyForced(record: Facts): RevisionCause[] {
  return isFinished(record) && record.force_classification !== null ? ['already_forced'] : []
}

function forceCauses(before: string | null, next: string | null): RevisionCause[] {
  if (before === next) return []
  if (before === null) return ['forced']
  return [next === null ? 'unforced' : 'force_changed']
}

function contentCauses(
  before: JsonObject | null,
  next: JsonObject | null,
  parts: Endpoint['parts'],
): ContentCause[] {
  // The digests differ, but without the payload it is unknown in which part.
  if (before === null || next === null) return ['details_changed']
  return (Object.entries(parts) as [ContentCause, (content: JsonObject) => JsonObject][])
    .filter(([, part]) => canonicalJson([part(before)]) !== canonicalJson([part(next)]))
    .map(([cause]) => cause)
}
