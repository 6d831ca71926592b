import type { ContentRow, ContentRows } from '../endpoint.ts'
import type { AudioClip, AudioModelResult, AudioRecord, AudioVerdict } from './contract.ts'
import type { AudioRows, ModelResultRow, VerdictKind } from './tables.ts'
import type { AudioClassification } from './validate.ts'

/**
 * Spreads one classification over the rows of the data tables.
 *
 * Ordinals count from 0 in the order of the record, so every key is known before a row is written. Verdicts begin with the
 * main one, then come those of the heuristics and of the clips. Model results begin with those of the file.
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
    children: rows.collected,
  }
}

/** JSON Pointer to the clips in the record. */
type ClipsPath = '/details/clips' | '/chunk_details'

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

/** Counts of the classification's rows, stored with it for queries over many classifications. */
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

/** Collects the child rows of one classification; the length of a list is its next ordinal. */
class RowCollector {
  readonly collected: AudioRows = {
    clips: [],
    verdicts: [],
    verdict_models: [],
    model_results: [],
    model_scores: [],
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
      this.collected.verdict_models.push({
        classification_id: this.#classificationId,
        verdict_no: verdictNo,
        model_no: modelNo,
        model,
      })
    }
  }

  /** Returns true when an earlier verdict on the whole file has the same heuristic. */
  #isRepeated(clipNo: number | null, { heuristic }: AudioVerdict): boolean {
    // Two verdicts without a heuristic differ: it is undefined in the record and null in the row.
    return clipNo === null && this.collected.verdicts.some((earlier) => earlier.heuristic === heuristic)
  }

  addResult(clipNo: number | null, result: AudioModelResult): void {
    const resultNo = this.collected.model_results.length
    this.collected.model_results.push({
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
      this.collected.model_scores.push({
        classification_id: this.#classificationId,
        result_no: resultNo,
        score_no: scoreNo,
        label: score.label ?? null,
        score: score.score ?? null,
      })
    }
  }
}

/**
 * Finds the scores of one result by label, at any position in the list. The highest score of a repeated label counts,
 * and the first of equal scores. A model that abstained has no scores.
 */
function scoresByLabel({
  unknown,
  classification = [],
}: AudioModelResult): Pick<ModelResultRow, 'human_score' | 'artificial_score' | 'top_label' | 'top_score'> {
  const found: ReturnType<typeof scoresByLabel> = {
    human_score: null,
    artificial_score: null,
    top_label: null,
    top_score: null,
  }
  if (unknown === true) return found
  for (const { label, score } of classification) {
    if (score === undefined) continue
    if (label === 'human') found.human_score = Math.max(score, found.human_score ?? score)
    if (label === 'artificial') found.artificial_score = Math.max(score, found.artificial_score ?? score)
    if (found.top_score === null || score > found.top_score) {
      found.top_label = label ?? null
      found.top_score = score
    }
  }
  return found
}
