import type { AudioRecord } from './contract.ts'
import type { AudioClassification } from './validate.ts'
import type { EffectiveStatus } from '../../platform/postgres/tables/classification-revisions.ts'
import { audioCanonical } from './canonical.ts'
import { audioRows } from './rows.ts'
import { contentDigest, DIGEST_VERSION } from '../content-digest.ts'
import type { RowSet } from '../row-set.ts'

/**
 * Turns one accepted audio record into everything that is stored of it. Pure: the same record and id give the
 * same rows and the same digest, for ever within one DIGEST_VERSION.
 */
export function normalizeAudio(classificationId: number, classification: AudioClassification): RowSet {
  const { known, content } = classification
  const canonical = audioCanonical(content)
  const rows = audioRows(classificationId, classification)
  return {
    ...rows,
    revision: {
      name: rows.classification.name,
      ref_id: rows.classification.ref_id,
      result_url: rows.classification.result_url,
      file_hash: rows.classification.file_hash,
      status: effectiveStatus(known),
      api_version: rows.classification.api_version,
      machine_classification: known.verdict?.classification ?? null,
      machine_confidence: known.verdict?.confidence ?? null,
      machine_heuristic: known.verdict?.heuristic ?? null,
      force_classification: rows.classification.force_classification,
      content_digest: contentDigest(canonical),
      digest_version: DIGEST_VERSION,
    },
    canonical,
  }
}

/** What a record amounts to: before API v1.1.0 there was no status, and a verdict meant done. */
function effectiveStatus({ status, verdict }: AudioRecord): EffectiveStatus {
  return status ?? (verdict ? 'done' : 'new')
}
