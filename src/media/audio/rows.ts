import type { AudioClip, AudioModelResult, AudioRecord, AudioVerdict } from './contract.ts'
import type { AudioClassification } from './validate.ts'
import type { ClipsPath } from '../../platform/postgres/tables/classifications.ts'
import type { ClipRow } from '../../platform/postgres/tables/clips.ts'
import type { ModelResultRow } from '../../platform/postgres/tables/model-results.ts'
import type { ModelScoreRow } from '../../platform/postgres/tables/model-scores.ts'
import type { VerdictModelRow } from '../../platform/postgres/tables/verdict-models.ts'
import type { VerdictKind, VerdictRow } from '../../platform/postgres/tables/verdicts.ts'
import type { ContentRow, ContentRows } from '../row-set.ts'
import { scoresByLabel } from './scores.ts'

/**
 * Spreads one classification over the rows of the data tables.
 *
 * Ordinals count from 0 in the order of the answer: the main verdict, then the heuristics', then the clips'; the
 * file's model results, then the clips'. So every key is known before the database is asked.
 */
export function audioRows(classificationId: number, classification: AudioClassification): ContentRows {
  const { known } = classification
  const rows = new RowCollector(classificationId)
  if (known.verdict) rows.addVerdict('main', null, known.verdict)
  for (const verdict of known.verdicts ?? []) rows.addVerdict('heuristic', null, verdict)
  for (const result of known.results ?? []) rows.addResult(null, result)
  const { path, clips } = clipsOf(classification)
  for (const [clipNo, clip] of clips.entries()) rows.addClip(clipNo, clip)
  return {
    classification: {
      ...contentRow(classificationId, classification, path),
      ...countsOf(classification.known, clips),
    },
    ...rows.collected,
  }
}

function contentRow(
  classificationId: number,
  { known, extra }: AudioClassification,
  clipsPath: ClipsPath | null,
): Omit<ContentRow, keyof ReturnType<typeof countsOf>> {
  return {
    classification_id: classificationId,
    media: 'audio',
    identifier: known.identifier,
    file_hash: known.hash ?? null,
    api_version: known.api_version ?? null,
    status: known.status ?? null,
    errors: Array.isArray(known.errors) ? known.errors.join('\n') : (known.errors ?? null),
    name: known.name ?? null,
    ref_id: known.ref_id ?? null,
    result_url: known.result_url ?? null,
    force_classification: known.force_classification ?? null,
    clips_path: clipsPath,
    extra: Object.keys(extra).length === 0 ? null : JSON.stringify(extra),
  }
}

/** Sums over its rows, kept with the classification for queries over many of them. */
function countsOf({ results = [] }: AudioRecord, clips: readonly AudioClip[]) {
  const labels = clips.flatMap(({ verdict }) => verdict?.classification ?? [])
  return {
    clip_count: clips.length,
    judged_clip_count: labels.length,
    artificial_clip_count: labels.filter((label) => label === 'artificial').length,
    model_count: new Set(results.flatMap(({ model }) => model ?? [])).size,
  }
}

function clipsOf({ known }: AudioClassification): { path: ClipsPath | null; clips: readonly AudioClip[] } {
  if (known.details?.clips) return { path: '/details/clips', clips: known.details.clips }
  if (known.chunk_details) return { path: '/chunk_details', clips: known.chunk_details }
  return { path: null, clips: [] }
}

/** Collects the child rows of one classification; the next ordinal is how many there are. */
class RowCollector {
  readonly collected = {
    clips: [] as ClipRow[],
    verdicts: [] as VerdictRow[],
    verdictModels: [] as VerdictModelRow[],
    modelResults: [] as ModelResultRow[],
    modelScores: [] as ModelScoreRow[],
  }

  readonly #classificationId: number

  constructor(classificationId: number) {
    this.#classificationId = classificationId
  }

  addClip(clipNo: number, clip: AudioClip): void {
    this.collected.clips.push({
      classification_id: this.#classificationId,
      clip_no: clipNo,
      clip_index: clip.index ?? null,
      clip_start: clip.start ?? null,
      clip_end: clip.end ?? null,
      classification: clip.verdict?.classification ?? null,
      confidence: clip.verdict?.confidence ?? null,
    })
    if (clip.verdict) this.addVerdict('clip', clipNo, clip.verdict)
    for (const result of clip.results ?? []) this.addResult(clipNo, result)
  }

  addVerdict(kind: VerdictKind, clipNo: number | null, verdict: AudioVerdict): void {
    const verdictNo = this.collected.verdicts.length
    this.collected.verdicts.push({
      classification_id: this.#classificationId,
      verdict_no: verdictNo,
      clip_no: clipNo,
      kind,
      heuristic: verdict.heuristic ?? null,
      confidence: verdict.confidence ?? null,
      classification: verdict.classification ?? null,
      is_repeated: this.#isRepeated(clipNo, verdict),
      only_model: verdict.models?.length === 1 ? (verdict.models[0] as string) : null,
    })
    for (const [modelNo, model] of (verdict.models ?? []).entries()) {
      this.collected.verdictModels.push({
        classification_id: this.#classificationId,
        verdict_no: verdictNo,
        model_no: modelNo,
        model,
      })
    }
  }

  /** Whether an earlier verdict on the whole file has the same heuristic. */
  #isRepeated(clipNo: number | null, { heuristic }: AudioVerdict): boolean {
    // One that is not told (undefined here, null there) is no other's.
    return clipNo === null && this.collected.verdicts.some((earlier) => earlier.heuristic === heuristic)
  }

  addResult(clipNo: number | null, result: AudioModelResult): void {
    const resultNo = this.collected.modelResults.length
    this.collected.modelResults.push({
      classification_id: this.#classificationId,
      result_no: resultNo,
      clip_no: clipNo,
      model: result.model ?? null,
      unknown: result.unknown ?? null,
      elapsed_time: result.elapsed_time ?? null,
      classification_details: result.classification_details
        ? JSON.stringify(result.classification_details)
        : null,
      ...scoresByLabel(result),
    })
    for (const [scoreNo, score] of (result.classification ?? []).entries()) {
      this.collected.modelScores.push({
        classification_id: this.#classificationId,
        result_no: resultNo,
        score_no: scoreNo,
        label: score.label ?? null,
        score: score.score ?? null,
      })
    }
  }
}
