import { contentDigest } from '../content-digest.ts'
import type { Endpoint, RowSet } from '../endpoint.ts'
import type { AnalysisStatus } from '../../platform/postgres/tables/history.ts'
import { audioCanonical } from './canonical.ts'
import type { AudioRecord } from './contract.ts'
import { audioPayload } from './denormalize.ts'
import { hasKnownStatus } from './drift.ts'
import { AUDIO_PARTS } from './parts.ts'
import { audioRows } from './rows.ts'
import { AUDIO_TABLES } from './tables.ts'
import { type AudioClassification, audioContent, validateAudio, withoutAnyEmpty } from './validate.ts'

/** Audio: GET /classifications_audio. */
export const audioEndpoint: Endpoint<AudioRecord> = {
  media: 'audio',
  path: '/classifications_audio',
  tables: AUDIO_TABLES,
  parts: AUDIO_PARTS,
  validate: validateAudio,
  normalize: normalizeAudio,
  denormalize: audioPayload,
  canonicalize: (payload) => audioCanonical(withoutAnyEmpty(audioContent(payload))),
}

/**
 * Turns one accepted audio record into everything that is stored of it. The same record and id give the same rows and
 * the same digest within one DIGEST_VERSION.
 */
function normalizeAudio(classificationId: number, classification: AudioClassification): RowSet {
  const { known, content } = classification
  const rows = audioRows(classificationId, classification)
  const { file_hash, api_version, force_classification } = rows.classification
  return {
    ...rows,
    hasKnownStatus: hasKnownStatus(known),
    contentDigest: contentDigest(audioCanonical(withoutAnyEmpty(content))),
    revision: {
      file_hash,
      status: analysisStatus(known),
      api_version,
      machine_classification: known.verdict?.classification ?? null,
      machine_confidence: known.verdict?.confidence ?? null,
      machine_heuristic: known.verdict?.heuristic ?? null,
      force_classification,
    },
  }
}

/** Before API v1.1.0 there was no status, and a verdict meant done. A status that is not documented is unfinished. */
function analysisStatus({ status, verdict }: AudioRecord): AnalysisStatus {
  if (status === 'done' || status === 'errored') return status
  return status === undefined && verdict ? 'done' : 'new'
}
